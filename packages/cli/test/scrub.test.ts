import { describe, expect, test } from "vitest";

import { scrubbed } from "../src/scrub.ts";

describe("text of others", () => {
  test.each([
    ["no URL at all", "no URL at all"],
    ["at postgres://u:p@h/db", "at [connection URL]"],
    ["at postgres://u:a b@h/db\nnext line", "at [connection URL]\nnext line"],
    ['url "postgres://u:p@h/db" is bad', 'url "[connection URL]" is bad'],
    ["mysql://u:p@h and https://u:p@h", "[connection URL]"],
    ["file:///srv/app/index.js:3:1", "file:///srv/app/index.js:3:1"],
    ["see https://example.com/page", "see https://example.com/page"],
  ])("%j", (text, expected) => {
    const result = scrubbed(text);

    expect(result).toBe(expected);
  });
});
