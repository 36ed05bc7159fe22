import { parse } from "dotenv";

import type { Position } from "./check-report.ts";
import { positionAt } from "./locate.ts";

/** One variable of a `.env` file. */
export interface EnvEntry {
  readonly name: string;
  readonly value: string;
  /** Where the assignment that counts begins; the last one of a name wins. */
  readonly offset: number;
}

/** Reads a `.env` file as dotenv does, and remembers where each variable stands. Expands nothing. */
export function readEnvFile(text: string): EnvEntry[] {
  return Object.entries(parse(text)).map(([name, value]) => ({
    name,
    value,
    offset: assignmentOf(name, text),
  }));
}

/** True for a value that is a URL of Postgres, by its scheme. */
export function isPostgresUrl(value: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(value);
}

/**
 * Where a part of a variable stands: the parameter of its URL if one is given and found, else the
 * variable itself.
 */
export function positionInEntry(text: string, entry: EnvEntry, parameter?: string): Position {
  const end = text.indexOf("\n", entry.offset);
  const line = text.slice(entry.offset, end === -1 ? text.length : end);
  const found =
    parameter === undefined ? -1 : line.search(new RegExp(`(?<=[?&])${escaped(parameter)}=`));

  return positionAt(text, entry.offset + Math.max(found, 0));
}

function assignmentOf(name: string, text: string): number {
  const assignment = new RegExp(
    `^[ \\t]*(?:export[ \\t]+)?(${escaped(name)})[ \\t]*(?:=|:[ \\t])`,
    "dgm",
  );
  const last = [...text.matchAll(assignment)].at(-1);

  return last?.indices?.[1]?.[0] ?? 0;
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
