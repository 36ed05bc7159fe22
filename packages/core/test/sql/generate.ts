/** A generator of numbers from 0 up to 1 (mulberry32): the same numbers for a seed on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("There is nothing to pick from.");
  return item;
}

function repeat(random: Random, most: number, make: () => string): string {
  let text = "";
  for (let count = Math.floor(random() * (most + 1)); count > 0; count--) text += make();
  return text;
}

/** Pieces of which every token and every doubtful neighbourhood of tokens can be made. */
const PIECES: readonly string[] = [
  ...Array.from(
    "abexnuBEXNU_$'\"\\;:,.()[]+-*/<>=~!@#%^&|`?{} \t\n\r\f\v0179éπ中😀\u00a0\u3000\ufeff",
  ),
  ..."'' \"\" $$ $a$ $é$ $1 $12 -- /* */ :: := => .. <> != <= >= ->> @> @- ?- 1.5 .5 1. 1e5 1e+5 1E-5 0x1F 0o17 0b01 1_000 0x_f 1_ 0x 1e 2..3".split(
    " ",
  ),
  ..."'a' 'it''s' e'\\'' E'\\\\' b'01' x'1f' n'a' U&'\\0061' U&\"a\" \"a\"\"b\" $$a$$ $q$'$q$ ae'x' a$1 a$$".split(
    " ",
  ),
  ..."'a'\n'b' 'a'--c\n'b' e'a'\n'\\'' b'0'\n'1' b'0''1' x'0'''".split(" "),
  "'a' 'b'",
  "'a' \n 'b'",
  "'a' -- c\n -- d\n 'b'",
  "'a' /* c */\n 'b'",
  "/* a /* b */ c */",
  "/* ' */",
  "-- '\n",
  "select",
  "begin",
  "end",
];

/** A run of pieces that need not make sense. */
export function tokenSoup(random: Random): string {
  return repeat(random, 12, () => pick(random, PIECES));
}

/** What may stand between two words. */
function gap(random: Random): string {
  return pick(random, [
    " ",
    " ",
    " ",
    "\n",
    "\t ",
    "/* ; */",
    " /* a /* b */ ' */ ",
    "-- begin;\n",
    "\r\n",
  ]);
}

function anyCase(random: Random, word: string): string {
  return pick(random, [
    word,
    word.toUpperCase(),
    Array.from(word, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter)).join(""),
  ]);
}

function phrase(random: Random, ...words: readonly string[]): string {
  const present = words.filter((word) => word !== "");
  return present
    .map((word) => (/^[a-z]+$/.test(word) ? anyCase(random, word) : word))
    .join("\u0000")
    .replaceAll("\u0000", () => gap(random));
}

const NAMES = [
  "s1",
  "savepoint",
  "work",
  "transaction",
  "Straße",
  "K\u212aelvin",
  '"S 1"',
  '"a""b"',
  'U&"\\0061b"',
  "U&\"!0061\" uescape '!'",
  `"${"ä".repeat(40)}"`,
  "a".repeat(70),
];

function modes(random: Random): string {
  const all = Array.from({ length: Math.floor(random() * 4) }, () =>
    phrase(
      random,
      ...pick(random, [
        ["isolation", "level", "serializable"],
        ["isolation", "level", "repeatable", "read"],
        ["isolation", "level", "read", "committed"],
        ["isolation", "level", "read", "uncommitted"],
        ["read", "only"],
        ["read", "write"],
        ["deferrable"],
        ["not", "deferrable"],
      ]),
    ),
  );
  return all.join(pick(random, [",", ", ", " ", "\n,"]));
}

/** A statement that controls the transaction, or one that looks like it. */
export function controlStatement(random: Random): string {
  const block = pick(random, ["", "work", "transaction"]);
  const chain = pick(random, [[], ["and", "chain"], ["and", "no", "chain"]]);
  const string = pick(random, ["'gid'", "$$gid$$", "E'g\\'id'", "U&'g' uescape '!'", "'a'\n'b'"]);
  const name = pick(random, NAMES);
  const savepoint = pick(random, ["", "savepoint"]);
  return pick(random, [
    () => phrase(random, "begin", block, modes(random)),
    () => phrase(random, "start", "transaction", modes(random)),
    () => phrase(random, pick(random, ["commit", "end", "rollback", "abort"]), block, ...chain),
    () => phrase(random, "savepoint", name),
    () => phrase(random, "release", savepoint, name),
    () => phrase(random, "rollback", block, "to", savepoint, name),
    () => phrase(random, "prepare", "transaction", string),
    () => phrase(random, pick(random, ["commit", "rollback"]), "prepared", string),
    () =>
      phrase(random, "set", pick(random, ["", "local", "session"]), "transaction", modes(random)),
    () => phrase(random, "set", "transaction", "snapshot", string),
    () => phrase(random, "set", "transaction", pick(random, ["=", "to"]), "'x'"),
    () => phrase(random, "prepare", "transaction", "as", "select", "1"),
    () => phrase(random, "set", "session", "characteristics", "as", "transaction", "read", "only"),
  ])();
}

/** Statements in which a `;`, a `BEGIN` or an `END` stands that is none of the text's. */
export const ORDINARY: readonly string[] = [
  "select 1",
  "select ';commit;' as \";\", $$;begin;$$, e'\\';'",
  "select case when a then 1 else 2 end from t",
  'select 1 as "end", 2 end, t.begin, t."commit" from t',
  "do $$ begin commit; end $$",
  "insert into t values (1, 'a'), (2, 'b;')",
  "update t set a = 1, b = default where c = -1",
  "create rule r as on insert to t do also (select 1; insert into u values (';'))",
  "create function f() returns int begin atomic select 1; select case when true then 1 end; end",
  "create or replace function f(a int default (1)) returns int language sql begin atomic end",
  "create procedure p() begin atomic insert into t values (1); select 1 as end; select 2 end; end",
  "create function f() returns int begin atomic create function g() returns int begin atomic select 1; end; select 2; end",
  "create function begin() returns begin as 'select 1' language sql",
  "create function f(begin atomic) returns int return 1",
  "create function f() returns int return case when true then 1 end",
  "create function f() returns trigger language plpgsql as $f$ begin return new; end; $f$",
  "create table begin (atomic int)",
  "create schema s create table t (a int) create view v as select 1",
  "prepare q as select $1",
  "explain analyze select 1",
  "set search_path to a, b",
  "call p(1)",
  "",
  " /* nothing */ ",
];

/** One to five statements in a text. */
export function script(random: Random): string {
  const one = (): string => (random() < 0.5 ? controlStatement(random) : pick(random, ORDINARY));
  return (
    one() + repeat(random, 4, () => pick(random, [";", " ; ", ";\n", ";;", "; -- c\n;"]) + one())
  );
}

/** A text with some of its characters or words left out, doubled, exchanged or put in. */
export function mutated(random: Random, text: string): string {
  let result = text;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const from = Math.floor(random() * (result.length + 1));
    const to = Math.min(result.length, from + Math.floor(random() * 6));
    const cutOut = result.slice(from, to);
    const put = pick(random, [
      "",
      "",
      cutOut + cutOut,
      pick(random, PIECES),
      cutOut.toUpperCase(),
      ` ${pick(random, ["begin", "end", "atomic", "commit", "transaction", "case", "as", ";", "(", ")"])} `,
    ]);
    result = result.slice(0, from) + put + result.slice(to);
  }
  return result;
}
