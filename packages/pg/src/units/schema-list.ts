import { PolicyError } from "@doorpolicy/core";

/** `NAMEDATALEN - 1`: PostgreSQL cuts a longer name without a word, and it may be another schema's then. */
const MAX_NAME_BYTES = 63;

/** One element of a list as PostgreSQL's `SplitIdentifierString` reads it, and what ends it. */
const ELEMENT = /\s*(?:"((?:[^"]|"")*)"|([^\s,"]+))\s*(,|$)/uy;

/** A name that needs no quotes in SQL; `SplitIdentifierString` itself would take nearly anything. */
const PLAIN = /^[\p{L}_][\p{L}\p{N}_$]*$/u;

/**
 * The schemas of a `search_path`, as `setLocal` takes them, in the form that PostgreSQL reads.
 *
 * - A list has one schema in each element: what is in it cannot become two, and `$user` and `pg_temp`, which
 *   are no schemas to PostgreSQL, are refused.
 * - A text is a list as in SQL: names that need no quotes, or quoted ones, with commas between them.
 *   The empty text means no schema at all.
 *
 * @throws PolicyError `unit/invalid`. It shows no name: a schema may be the tenant's.
 */
export function checkedSearchPath(value: string | readonly unknown[], path: string): string {
  if (typeof value === "string") return listOf(namesIn(value, path), path);
  const index = value.findIndex((name) => STAND_INS.has(name));
  if (index === -1) return listOf(value, path);
  throw invalid(
    `${path}[${index}]`,
    `\`${path}[${index}]\` is \`$user\` or \`pg_temp\`, which PostgreSQL reads as the role's own schema or the session's temporary one, and not as a name.`,
    `Pass the schema's own name. Where the role's schema is meant, pass a text: \`'"$user", public'\`.`,
  );
}

/**
 * What PostgreSQL replaces, quoted or not: it compares what is left without the quotes (`namespace.c`,
 * measured on 17.10). A tenant of that name would look into what is everybody's.
 */
const STAND_INS: ReadonlySet<unknown> = new Set(["$user", "pg_temp"]);

/** Names as they are, from a text that {@link checkedSearchPath} has made. */
export function namesOf(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"/gu)].map(([, name = ""]) =>
    name.replaceAll('""', '"'),
  );
}

function namesIn(text: string, path: string): readonly string[] {
  const names: string[] = [];
  if (text.trim() === "") return names;
  for (let position = 0; ; position = ELEMENT.lastIndex) {
    ELEMENT.lastIndex = position;
    const [, quotedName, plain, sign] = ELEMENT.exec(text) ?? [];
    if (plain !== undefined && !PLAIN.test(plain)) break;
    const name = plain === undefined ? quotedName?.replaceAll('""', '"') : folded(plain);
    if (name === undefined) break;
    names.push(name);
    if (sign === "") return names;
  }
  throw invalid(
    path,
    `\`${path}\` is no list of schemas: the name at place ${names.length + 1} needs quotes, or is missing.`,
    'Pass a list with one schema in each element, such as `["tenant-7", "public"]`.',
  );
}

/** As PostgreSQL folds names: `A` to `Z` only. */
function folded(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => letter.toLowerCase());
}

function listOf(names: readonly unknown[], path: string): string {
  return names.map((name, index) => quoted(name, index, path)).join(", ");
}

function quoted(name: unknown, index: number, path: string): string {
  const own = `${path}[${index}]`;
  if (typeof name !== "string" || name === "") {
    throw invalid(
      own,
      `\`${own}\` is no name of a schema.`,
      "Pass a text that is not empty for each schema.",
    );
  }
  if (name.includes("\0") || new TextEncoder().encode(name).length > MAX_NAME_BYTES) {
    throw invalid(
      own,
      `\`${own}\` is longer than ${MAX_NAME_BYTES} bytes or holds a NUL byte; PostgreSQL would cut it, and look into another schema.`,
      "Pass the schema's name as it is in `pg_namespace`.",
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

function invalid(path: string, message: string, hint: string): PolicyError {
  return new PolicyError("unit/invalid", message, { path, hint });
}
