import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Lexer } from "../../src/sql/lexer.ts";

/** PostgreSQL's regression tests (`src/test/regress/sql`), beside the repository where they are at hand. */
const FOLDER = fileURLToPath(
  new URL("../../../../../shared/data/postgresql-regress/", import.meta.url),
);

/** Why the tests over them cannot run; `undefined` when they can. */
export const corpusMissing: string | undefined = existsSync(FOLDER)
  ? undefined
  : "PostgreSQL's regression SQL is not at ../shared/data/postgresql-regress beside the repository";

/** The names of its files. */
export function corpusFiles(): string[] {
  if (corpusMissing !== undefined) return [];
  return readdirSync(FOLDER).filter((name) => name.endsWith(".sql"));
}

/** A file as the server gets it: without psql's commands and variables and without the data of COPY. */
export function readCorpus(file: string): string {
  return withoutPsql(withoutCopyData(readFileSync(FOLDER + file, "utf8")));
}

function withoutCopyData(text: string): string {
  return text.replaceAll(
    /^(copy\b[^;]*\bfrom\s+(?:stdin|stdout)\b[^;]*;).*\n[\s\S]*?^\\\.$/gim,
    (_whole, statement: string) => statement,
  );
}

/** A backslash outside of quotes is psql's to the end of the line and may end a statement (`\gset`). */
function withoutPsql(text: string): string {
  const lexer = new Lexer(text.replaceAll(/^\\.*$/gm, ";"));
  let cleaned = "";
  let skipsUntil = 0;
  while (lexer.next() !== "end") {
    if (lexer.start < skipsUntil) continue;
    const token = lexer.slice();
    if (token === "\\") {
      const newline = lexer.text.indexOf("\n", lexer.start);
      skipsUntil = newline === -1 ? lexer.text.length : newline;
      cleaned += ";";
    } else if (token !== ":" || !/^['"a-z_]/i.test(lexer.text.slice(lexer.end, lexer.end + 1))) {
      // The colon of a variable `:'name'` goes; that of a slice with a name is no loss.
      cleaned += token;
    }
  }
  return cleaned;
}
