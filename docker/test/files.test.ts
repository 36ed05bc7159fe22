import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { dockerFiles } from "../files.ts";

it.each(Object.entries(dockerFiles()))(
  "the committed %s is the generated one",
  async (name, text) => {
    const committed = await readFile(new URL(`../${name}`, import.meta.url), "utf8");

    expect(committed).toBe(text);
  },
);
