import { describe, expect, test } from "vitest";

import type { EffectOf } from "../../src/sql/effect.ts";
import { effectsOf } from "../../src/sql/effects.ts";
import { compareEffects, type EffectComparison } from "./compare-effects.ts";
import { mutated, randomOf } from "./generate.ts";
import { effectScript, effectStatement, STATEMENTS } from "./generate-effects.ts";

const set = (parameter: string | undefined, scope = "session", by = "set"): object => ({
  kind: "set",
  parameter,
  scope,
  by,
});
const config = (parameter?: unknown, scope?: unknown, isReadable?: unknown): object => ({
  kind: "set",
  parameter,
  scope,
  by: "set_config",
  ...(isReadable !== undefined && { isReadable }),
});
const strings = (isReadable: boolean, scope = "session", by = "set"): object => ({
  ...set("standard_conforming_strings", scope, by),
  isReadable,
});
const encoding = (isReadable: boolean, scope = "session", by = "set"): object => ({
  ...set("client_encoding", scope, by),
  isReadable,
});
const lock = (call = "pg_advisory_lock"): EffectOf => ({ kind: "session-lock", call });
const opaque = (name: string): EffectOf => ({ kind: "opaque", by: "function", name });
const temp = (name: string, isDroppedOnCommit = false): EffectOf => ({
  kind: "temp",
  name,
  isDroppedOnCommit,
});

/** Without a second thought about PostgreSQL's parser: what a reader of the contract expects. */
const cases: readonly (readonly [text: string, ...effects: object[]])[] = [
  ["select 1"],
  ["select set_config from t where listen = 'set x = 1'"],
  ["update t set search_path = 'a'"],
  ["insert into t (a) values (1) on conflict (a) do update set a = 1"],
  ["alter role r set search_path = a"],
  ["create function f() returns int language sql set search_path = a as 'select 1'"],
  ["create function f() returns int begin atomic select nextval('s'); select 1; end"],
  ["create rule r as on insert to t do also (listen x; select nextval('s'))"],
  ["prepare q as select nextval('s')", { kind: "prepare", name: "q" }],
  ["explain select nextval('s')"],
  [`explain ("analyze") select nextval('s')`, { kind: "sequence", call: "nextval" }],
  [
    `explain (analyze off, U&"\\0061nalyze" on) select nextval('s')`,
    { kind: "sequence", call: "nextval" },
  ],
  [`explain (verbose, "ANALYZE") select nextval('s')`],
  ["explain execute q", { kind: "execute", name: "q" }],
  ["SET Search_Path TO a", set("search_path")],
  ["set local statement_timeout = 5", set("statement_timeout", "transaction")],
  ['set "App.Tenant" = 1', set("app.tenant")],
  ["set time zone 'UTC'", set("timezone")],
  ["set session authorization x", set("session_authorization")],
  [
    "set session characteristics as transaction read only, isolation level serializable",
    set("default_transaction_isolation"),
    set("default_transaction_read_only"),
  ],
  ["reset all", set("all", "session", "reset")],
  ["select set_config('App.Tenant', $1, true)", config("app.tenant", "transaction")],
  ["select set_config($1, $2, $3)", config({ parameter: 1 }, { parameter: 3 }, { parameter: 2 })],
  ["select set_config($1, 'secret', true)", config({ parameter: 1 }, "transaction", false)],
  ["set standard_conforming_strings = off", strings(false)],
  ["set Standard_Conforming_Strings = ON", strings(true)],
  ["set local standard_conforming_strings to 'yes'", strings(true, "transaction")],
  ['set standard_conforming_strings = "on"', strings(true)],
  ["set standard_conforming_strings = 1", strings(true)],
  ["set standard_conforming_strings = true", strings(true)],
  ["set standard_conforming_strings to default", strings(false)],
  ["set standard_conforming_strings from current", strings(false)],
  ["set standard_conforming_strings = on, off", strings(false)],
  ["reset standard_conforming_strings", strings(false, "session", "reset")],
  [
    "select set_config('standard_conforming_strings', 'on', false)",
    config("standard_conforming_strings", "session", true),
  ],
  [
    "select set_config('STANDARD_conforming_strings', null, true)",
    config("standard_conforming_strings", "transaction", false),
  ],
  ["set client_encoding to 'utf-8'", encoding(true)],
  ["set client_encoding = UTF8", encoding(true)],
  ["set local client_encoding = 'SQL_ASCII'", encoding(true, "transaction")],
  ["set client_encoding to sjis", encoding(false)],
  ["set client_encoding to 'latin1'", encoding(false)],
  ["set client_encoding to default", encoding(false)],
  ["reset client_encoding", encoding(false, "session", "reset")],
  ["set names 'Unicode'", encoding(true)],
  ["set names 'Shift_JIS_2004'", encoding(false)],
  ["set local names 'gbk'", encoding(false, "transaction")],
  ["set names default", encoding(false)],
  ["set names", encoding(false)],
  [
    "select set_config('client_encoding', 'UTF8', true)",
    config("client_encoding", "transaction", true),
  ],
  [
    "select set_config('client_encoding', 'big5', false)",
    config("client_encoding", "session", false),
  ],
  ["select set_config($1, 'utf8', true)", config({ parameter: 1 }, "transaction", true)],
  ["select set_config('a.b', 'c', 'f'::bool)", config("a.b", "session")],
  ["select set_config('a.b', 'c', ' YES '::bool)", config("a.b", "transaction")],
  ["select set_config('a.b', 'c', x > 1)", config("a.b")],
  ["select set_config(E'a\\x62', 'c', false)", config(undefined, "session")],
  ["select set_config('a.'\n  'b''', 'c', false)", config("a.b'", "session")],
  ["select set_config('a.b', 'c')", config("a.b")],
  ["select set_config"],
  ["select setseed(0.1)", set("seed", "session", "setseed")],
  ["update pg_settings set setting = 1 where name = 'a'", set(undefined, "session", "update")],
  ["select U&\"\\0073etval\"('s', 1)", { kind: "sequence", call: "setval" }],
  ["select pg_notify('ch', '')", { kind: "notify", channel: "ch" }],
  ["select pg_notify($1, '')", { kind: "notify", channel: "" }],
  ["select 1 into temp t", temp("t")],
  ["create temp table t (a int) on commit drop", temp("t", true)],
  ["create table pg_temp.t (a int)", temp("t")],
  ["create function pg_temp.f() returns int language sql as 'select 1'", temp("f")],
  ["deallocate all", { kind: "deallocate", name: "all", isAll: true }],
  ['deallocate "all"', { kind: "deallocate", name: "all", isAll: false }],
  ["close all", { kind: "fetch", name: "all" }],
  ["lock table t", { kind: "transaction-lock", call: "lock" }],
  ["do 'begin end'", { kind: "opaque", by: "do", name: "do" }],
  ["call s.p(1)", { kind: "opaque", by: "call", name: "s.p" }],
  ["select f(1), s.f(2), pg_catalog.lower('a'), f(3)", opaque("f"), opaque("s.f")],
  ["select query_to_xml('select 1', true, true, '')", opaque("query_to_xml")],
  ["select a.nextval('s') from a", opaque("a.nextval")],
  // A name that cannot be read may be any.
  ["select U&\"!0070g_advisory_lock\" uescape E'\\041' (1)", opaque("")],
  ["set U&\"!0061.b\" uescape E'\\041' = 1", set(undefined)],
  ["reset U&\"!0061.b\" uescape E'\\041'", set(undefined, "session", "reset")],
  ["create table U&\"!0070g_temp\" uescape E'\\041' . x (a int)", temp("x")],
  ["select U&\"!0070g_catalog\" uescape E'\\041' . pg_advisory_lock(1)", lock()],
  [
    "update U&\"!0070g_settings\" uescape E'\\041' set setting = 1",
    set(undefined, "session", "update"),
  ],
  // A call in the notation of a field.
  ["select (1::bigint).pg_advisory_lock", lock()],
  ["select ($1).pg_try_advisory_lock, $2.Pg_Advisory_Lock", lock("pg_try_advisory_lock"), lock()],
  ['select (array[1::bigint])[1] . "pg_advisory_lock"', lock()],
  ["select x.pg_advisory_lock from generate_series(1::bigint, 1) x", lock()],
  ['select x."pg_advisory_lock" from generate_series(1::bigint, 1) x', lock()],
  ["select ('s'::regclass).nextval", { kind: "sequence", call: "nextval" }],
  ["select (0.5::float8).setseed", set("seed", "session", "setseed")],
  ['select t.nextval, t.setseed, t.U&"currval" from t'],
  ["alter database d own tablespace"],
  ['select * from "t" lastval (a), s.t currval (b)'],
  ["select (t).set_config, (t).lastval from t"],
  [
    "begin; set local a = 1;; commit;",
    { kind: "transaction-control" },
    { ...set("a", "transaction"), statement: 1 },
    { kind: "transaction-control", statement: 2 },
  ],
  [
    "select setval('s', 1), currval('s'), setval('s', 2)",
    { kind: "sequence", call: "setval" },
    { kind: "sequence-read", call: "currval" },
  ],
  [
    "select '/*' || pg_advisory_lock(1) -- a='b'*/",
    { kind: "session-lock", call: "pg_advisory_lock" },
  ],
  // The driver sends what has no end; the server refuses it.
  ["select nextval('s", { kind: "sequence", call: "nextval" }],
  ["listen", { kind: "listen", channel: "" }],
];

describe("what a statement does to its session", () => {
  for (const [text, ...expected] of cases) {
    test(text, () => {
      const ours = effectsOf(text).effects.map(({ at: _at, ...effect }) => effect);

      expect(ours).toEqual(expected.map((effect) => ({ statement: 0, ...effect })));
    });
  }

  test("is told with the place of the word that shows it, also behind one that comes later", () => {
    const text = " select set_config('a', nextval('s')::text, false); listen x";
    const places = effectsOf(text).effects.map(({ at, kind }) => [kind, text.slice(at, at + 6)]);

    expect(places).toEqual([
      ["set", "set_co"],
      ["sequence", "nextva"],
      ["listen", "listen"],
    ]);
  });

  test("is one frozen result for all ordinary texts, and frozen for others", () => {
    expect(effectsOf("select 1")).toBe(effectsOf("explain select f(1) /* a */"));
    expect(effectsOf("")).toEqual({ effects: [], statements: 0 });

    const { effects } = effectsOf("listen x");
    expect([effects, ...effects].every((value) => Object.isFrozen(value))).toBe(true);
  });
});

describe("the same as PostgreSQL's parser shows", () => {
  for (const text of STATEMENTS) {
    test(text, () => {
      expect(compareEffects(text)).toMatchObject({ disagreements: [], wasParsed: true });
    });
  }

  const random = randomOf(5);
  const makers: readonly (readonly [title: string, make: () => string, parsed: number])[] = [
    ["statements by chance", () => effectStatement(random), 0.95],
    ["scripts by chance", () => effectScript(random), 0.8],
    ["statements, changed", () => mutated(random, effectStatement(random)), 0.2],
    ["scripts, changed", () => mutated(random, effectScript(random)), 0.2],
  ];
  for (const [title, make, least] of makers) {
    test(`${title}, 400 texts`, () => {
      const comparisons = Array.from({ length: 400 }, () => compareEffects(make()));

      expect(comparisons.flatMap(({ disagreements }) => disagreements)).toEqual([]);
      expect(share(comparisons, "wasParsed")).toBeGreaterThan(least);
      expect(share(comparisons, "hasEffect")).toBeGreaterThan(least * 0.6);
    });
  }
});

function share(comparisons: readonly EffectComparison[], key: "wasParsed" | "hasEffect"): number {
  return comparisons.filter((comparison) => comparison[key]).length / comparisons.length;
}
