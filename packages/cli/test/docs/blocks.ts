import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../doorpolicy.ts";

/** One fenced block of TypeScript in a page. */
export interface Block {
  /** Its page, relative to the repository's root. */
  readonly page: string;
  /** The line of the page on which its code begins, from 1. */
  readonly line: number;
  readonly code: string;
}

/** Every block that is marked as TypeScript, in the README and in the pages below `docs/`. */
export function blocksOfPages(): readonly Block[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .map((file) => `docs/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".md"));
  return ["README.md", ...docs.toSorted()].flatMap((page) =>
    blocksIn(page, readFileSync(join(ROOT, page), "utf8")),
  );
}

/** The blocks of one page. */
export function blocksIn(page: string, text: string): readonly Block[] {
  return Array.from(text.matchAll(/^```ts\n([^]*?)^```$/gmu), ({ index, 1: code = "" }) => ({
    page,
    line: text.slice(0, index).split("\n").length + 1,
    code,
  }));
}

/** Strings and comments, which are left alone, and `…` outside of them. */
const OMISSION =
  /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/[^\n]*)|\{ … \}|, …|…/gu;

/**
 * A block as the compiler gets it, line by line where it was. `…` stands for what a page leaves out: `{ … }` for an
 * empty body or object, behind a comma for more of the same, else for any value.
 */
export function compilable({ code }: Block): string {
  return code.replaceAll(OMISSION, (found: string, kept: string | undefined) => {
    if (kept !== undefined) return found;
    if (found === "{ … }") return "{}";
    return found === ", …" ? ", ...omitted" : "omitted";
  });
}
