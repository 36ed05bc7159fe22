import { format, inspect } from "node:util";

import { expect, test } from "vitest";

import { SecretUrl } from "../src/index.ts";

test("no way of printing a secret URL shows it, and the driver gets it", () => {
  const url = new SecretUrl("postgres://u:hunter2@h/db");

  const printed = [
    String(url),
    JSON.stringify({ url }),
    inspect(url, { showHidden: true, depth: 9, showProxy: true }),
    inspect({ nested: [url] }, { depth: 9 }),
    format("%s %o %O %j", url, url, url, url),
    Object.entries(url).join(),
  ];

  expect(printed.filter((text) => text.includes("hunter2"))).toEqual([]);
  expect(inspect(url)).toBe("[connection URL]");
  expect(url.reveal()).toBe("postgres://u:hunter2@h/db");
});
