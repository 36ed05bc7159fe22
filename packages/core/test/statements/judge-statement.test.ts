import { describe, expect, test } from "vitest";

import {
  capabilitiesOf,
  effectsOf,
  judgeStatement,
  ruleIds,
  type StatementSituation,
} from "../../src/index.ts";
import { statementRules } from "../../src/statements/registry.ts";
import type { Capability } from "../../src/capability.ts";

const PGBOUNCER = capabilitiesOf({ kind: "pgbouncer", version: "1.24" });

interface Where {
  readonly has?: ReadonlySet<Capability>;
  readonly inBlock?: boolean;
  readonly wrapped?: boolean;
  readonly values?: readonly unknown[];
  readonly named?: boolean;
}

/** `rule` for a refusal, `rule?` for a warning. */
function verdict(text: string, where: Where = {}): readonly string[] {
  const { has = PGBOUNCER, inBlock = false, wrapped = false, values, named = false } = where;
  const situation: StatementSituation = {
    has: (capability) => has.has(capability),
    text,
    isInBlock: inBlock,
    isWrapped: wrapped,
    values,
    isNamed: named,
  };
  return judgeStatement(effectsOf(text), situation).map(
    ({ rule, level }) => `${rule.split("/")[1] ?? ""}${level === "warn" ? "?" : ""}`,
  );
}

function said(has: ReadonlySet<Capability>): string | undefined {
  const situation = { has: (one: Capability) => has.has(one), text: "", isInBlock: false };
  return judgeStatement(effectsOf("set a.b = 'secret'"), situation)[0]?.message;
}

function also(...extra: readonly Capability[]): ReadonlySet<Capability> {
  return new Set([...PGBOUNCER, ...extra]);
}

/** What is said outside of a block and inside of one, on PgBouncer 1.24. */
const TABLE: readonly (readonly [text: string, outside: string, inside: string])[] = [
  ["select 1", "", ""],
  ["update t set role = 'x', search_path = 'y'", "", ""],
  ["insert into t values (1) on conflict (a) do update set b = 'set role x'", "", ""],
  ["alter role app set search_path = s", "", ""],
  ["select 'listen a', $$ set x = 1 $$ -- discard all", "", ""],
  ["notify a, 'b'", "", ""],
  ["begin", "", ""],
  ["commit", "", ""],
  ["set statement_timeout = '3s'", "no-set", "no-set"],
  ["set session app.tenant to 'a'", "no-set", "no-set"],
  ["reset statement_timeout", "no-set", "no-set"],
  ["reset all", "no-set", "no-set"],
  ["set time zone 'UTC'", "", ""],
  ["set names 'utf8'", "", ""],
  ["set application_name = 'x'", "", ""],
  ["set session characteristics as transaction read only", "no-set", "no-set"],
  ["set standard_conforming_strings = on", "", ""],
  ["select set_config('standard_conforming_strings', 'true', false)", "", ""],
  ["set standard_conforming_strings = off", "no-set", "no-set"],
  ["set standard_conforming_strings to default", "no-set", "no-set"],
  ["reset standard_conforming_strings", "no-set", "no-set"],
  ["select set_config('standard_conforming_strings', 'off', false)", "no-set", "no-set"],
  ["select set_config('standard_conforming_strings', a, b) from t", "no-set", "no-set"],
  ["set local standard_conforming_strings = off", "no-set,no-set-local-outside-block", "no-set"],
  ["set local standard_conforming_strings = on", "no-set-local-outside-block", ""],
  ["set client_encoding = 'UTF8'", "", ""],
  ["set client_encoding = 'SJIS'", "no-set", "no-set"],
  ["set local client_encoding = 'SJIS'", "no-set,no-set-local-outside-block", "no-set"],
  ["set names 'gbk'", "no-set", "no-set"],
  ["set names default", "no-set", "no-set"],
  ["reset client_encoding", "no-set", "no-set"],
  ["select set_config('client_encoding', 'UHC', false)", "no-set", "no-set"],
  ["select setseed(0.5)", "no-set", "no-set"],
  ["set local seed = 0.5", "no-set", "no-set"],
  ["select set_config('seed', '0.5', true)", "no-set", "no-set"],
  ["update pg_settings set setting = '1MB' where name = 'work_mem'", "no-set", "no-set"],
  ["select set_config('app.tenant', 'a', false)", "no-set", "no-set"],
  ["select set_config('app.tenant', 'a', true)", "no-set-local-outside-block", ""],
  ["select set_config('app.tenant', 'a', x > 1) from t", "no-set", "no-set?"],
  ["set local app.tenant = 'a'", "no-set-local-outside-block", ""],
  ["set local role other", "no-set-local-outside-block", ""],
  ["set local search_path = s", "no-set-local-outside-block", ""],
  ["set transaction isolation level serializable", "no-set-local-outside-block", ""],
  ["set transaction_isolation = 'serializable'", "no-set-local-outside-block", ""],
  ["set constraints all deferred", "no-set-local-outside-block", ""],
  ["set role other", "no-role", "no-role"],
  ["reset role", "no-role", "no-role"],
  ["set session authorization other", "no-role", "no-role"],
  ["select set_config('role', 'other', false)", "no-role", "no-role"],
  ["select set_config('role', 'other', a > 1) from t", "no-role", "no-role?"],
  ["set search_path = s", "no-search-path", "no-search-path"],
  ["set schema 's'", "no-search-path", "no-search-path"],
  ["select set_config('search_path', 's', a > 1) from t", "no-search-path", "no-search-path?"],
  ["select pg_advisory_lock(1)", "no-session-lock", "no-session-lock"],
  ["select pg_try_advisory_lock_shared(1, 2)", "no-session-lock", "no-session-lock"],
  ["select pg_advisory_unlock_all()", "no-session-lock", "no-session-lock"],
  ["select pg_advisory_xact_lock(1)", "no-lock-outside-block?", ""],
  ["lock table t in share mode", "", ""],
  ["listen a", "no-listen", "no-listen"],
  ["unlisten *", "no-listen", "no-listen"],
  ["create temp table t (a int)", "no-temp", "no-temp"],
  ["create temp table t (a int) on commit delete rows", "no-temp", "no-temp"],
  ["create temp table t (a int) on commit drop", "no-temp", ""],
  ["create temp view v as select 1", "no-temp", "no-temp"],
  ["select 1 into temp t", "no-temp", "no-temp"],
  ["create function pg_temp.f() returns int return 1", "no-temp", "no-temp"],
  ["declare c cursor with hold for select 1", "no-held-cursor", "no-held-cursor"],
  ["declare c cursor for select 1", "", ""],
  ["prepare p as select 1", "no-prepare", "no-prepare"],
  ["execute p", "no-prepare", "no-prepare"],
  ["deallocate p", "no-prepare", "no-prepare"],
  ["discard all", "no-discard", "no-discard"],
  ["discard temp", "no-discard", "no-discard"],
  ["load 'auto_explain'", "no-load", "no-load"],
  ["select nextval('s')", "", ""],
  ["select currval('s')", "no-sequence-session", ""],
  ["select lastval()", "no-sequence-session", ""],
  ["update t set id = default returning lastval()", "", ""],
  ["update t set id = 1 returning lastval()", "no-sequence-session", ""],
  ["select nextval('s'), currval('s')", "", ""],
  ["insert into t (a) values (1) returning currval('s')", "", ""],
  ["with i as (insert into t default values) select lastval()", "", ""],
  ["vacuum t", "needs-autocommit?", "needs-autocommit"],
  ["create index concurrently i on t (a)", "needs-autocommit?", "needs-autocommit"],
  ["do $$ begin perform 1; end $$", "", ""],
  ["call p()", "", ""],
];

describe("through a pooler in transaction mode", () => {
  for (const [text, outside, inside] of TABLE) {
    test(text, () => {
      expect(verdict(text).join()).toBe(outside);
      expect(verdict(text, { inBlock: true }).join()).toBe(inside);
    });
  }
});

describe("what is bound decides", () => {
  const text = "select set_config($1, $2, $3)";
  const cases: readonly (readonly [values: readonly unknown[] | undefined, says: string])[] = [
    [["app.tenant", "a", false], "no-set"],
    [["app.tenant", "a", "f"], "no-set"],
    [["app.tenant", "a", " OFF "], "no-set"],
    [["app.tenant", "a", null], "no-set"],
    [["app.tenant", "a", 0], "no-set"],
    [["app.tenant", "a", true], "no-set-local-outside-block"],
    [["app.tenant", "a", "tr"], "no-set-local-outside-block"],
    [["app.tenant", "a", "on"], "no-set-local-outside-block"],
    [["ROLE", "a", false], "no-role"],
    [["search_path", "a", false], "no-search-path"],
    [["TimeZone", "UTC", false], ""],
    [["app.tenant", "a"], "no-set"],
    [["app.tenant", "a", "o"], "no-set"],
    [undefined, "no-set"],
  ];
  for (const [values, says] of cases) {
    test(JSON.stringify(values) ?? "nothing is known", () => {
      expect(verdict(text, values === undefined ? {} : { values }).join()).toBe(says);
    });
  }

  const strings: readonly (readonly [values: readonly unknown[], says: string])[] = [
    [["standard_conforming_strings", "off", false], "no-set"],
    [["Standard_Conforming_Strings", "off", true], "no-set"],
    [["standard_conforming_strings", null, true], "no-set"],
    [["standard_conforming_strings", "on", true], ""],
    [["standard_conforming_strings", true, false], ""],
    [["client_encoding", "utf8", false], ""],
    [["CLIENT_ENCODING", "sjis", true], "no-set"],
    [["client_encoding", null, true], "no-set"],
    [[Buffer.from("client_encoding"), "sjis", true], "no-set"],
    [["seed", "0.5", true], "no-set"],
  ];
  for (const [values, says] of strings) {
    test(`in a block, ${JSON.stringify(values)}`, () => {
      expect(verdict(text, { inBlock: true, values }).join()).toBe(says);
    });
  }

  test("inside a block only what is bound to false is refused", () => {
    expect(verdict(text, { inBlock: true, values: ["a.b", "c", true] })).toEqual([]);
    expect(verdict(text, { inBlock: true, values: ["a.b", "c", false] })).toEqual(["no-set"]);
    expect(verdict(text, { inBlock: true })).toEqual(["no-set?"]);
  });
});

describe("several statements in one text", () => {
  test("are one block, whose local settings hold", () => {
    expect(verdict("set local app.tenant = 'a'; select 1")).toEqual([]);
    expect(verdict("insert into t default values; select lastval()")).toEqual([]);
    expect(verdict("create temp table t (a int) on commit drop; copy t from stdin")).toEqual([]);
  });

  test.each([
    "set local a.b = 1; set local c.d = 2",
    "select 1; set local a.b = 1",
    "begin; set local a.b = 1; commit",
    "set local a.b = 1; commit; select 1",
    "select set_config('a.b', 'c', true); set transaction read only",
    "select set_config('a.b', 'c', true); select set_config('c.d', 'e', true)",
    "begin; commit; set transaction read only; set local a.b = 1",
  ])("hold nothing for what does not follow in their transaction: %s", (text) => {
    const inner = verdict(text);

    expect(inner).toContain("no-set-local-outside-block");
    expect(verdict(text, { inBlock: true })).toEqual([]);
  });

  test.each([
    "begin; set local a.b = 1",
    "set local a.b = 1; begin",
    "commit and chain; set local a.b = 1",
    "set local a.b = 1; set local c.d = 2; select 1",
    "begin; set local a.b = 1; select 1; commit",
    "set local a.b = 1; prepare transaction 'x'; begin; set local c.d = 1; select 1",
  ])("may leave a block open for the next text, or have a use for it: %s", (text) => {
    expect(verdict(text).filter((rule) => rule !== "no-set-local-outside-block")).toEqual([]);
    expect(verdict(text)).toEqual(text.includes("prepare") ? ["no-set-local-outside-block"] : []);
  });

  test("drop at once what is to be dropped at COMMIT, and free the lock, when they are the last", () => {
    expect(verdict("select 1; create temp table t (a int) on commit drop")).toEqual(["no-temp"]);
    expect(verdict("select 1; select pg_advisory_xact_lock(1)")).toEqual([
      "no-lock-outside-block?",
    ]);
  });

  test("leave behind what outlives a block", () => {
    expect(verdict("begin; set app.tenant = 'a'; commit")).toEqual(["no-set"]);
    expect(verdict("listen a; select pg_advisory_lock(1)")).toEqual([
      "no-listen",
      "no-session-lock",
    ]);
  });
});

describe("what the lane can do decides", () => {
  const everything = TABLE.map(([text]) => text);

  test("nothing is said where session state is the client's own", () => {
    const has = capabilitiesOf({ kind: "none" });

    for (const text of everything) expect(verdict(text, { has, named: true })).toEqual([]);
  });

  test("a name is refused where the pooler does not carry named statements", () => {
    const old = capabilitiesOf({ kind: "pgbouncer", version: "1.18" });

    expect(verdict("select 1", { has: old, named: true })).toEqual(["no-named"]);
    expect(verdict("select 1", { named: true })).toEqual([]);
    expect(verdict("listen a", { has: old, named: true })).toEqual(["no-named", "no-listen"]);
  });

  test("a parameter that the pooler follows may be set", () => {
    const has = also("tracks-parameter:search_path", "tracks-parameter:statement_timeout");

    expect(verdict("set search_path = s", { has })).toEqual([]);
    expect(verdict("set statement_timeout = 1", { has })).toEqual([]);
    expect(verdict("set lock_timeout = 1", { has })).toEqual(["no-set"]);
  });

  test("what pins the connection works, and is worth a word", () => {
    const has = also("pins-on-set", "pins-on-temp", "pins-on-cursor", "pins-on-sequence");

    expect(verdict("set statement_timeout = 1", { has })).toEqual(["pins-connection?"]);
    expect(verdict("set local a.b = 1", { has, inBlock: true })).toEqual(["pins-connection?"]);
    expect(verdict("set local a.b = 1", { has })).toEqual([
      "no-set-local-outside-block",
      "pins-connection?",
    ]);
    expect(verdict("create temp table t (a int)", { has })).toEqual(["pins-connection?"]);
    expect(verdict("select nextval('s')", { has })).toEqual(["pins-connection?"]);
    expect(verdict("declare c cursor for select 1", { has, inBlock: true })).toEqual([
      "pins-connection?",
    ]);
    expect(verdict("listen a", { has })).toEqual(["no-listen"]);
  });

  test("texts are not to be read otherwise, whoever follows the parameter or pins the connection", () => {
    const texts = ["set", "set local"].flatMap((set) => [
      `${set} standard_conforming_strings = off`,
      `${set} client_encoding = 'SJIS'`,
    ]);

    for (const extra of ["parses-set", "pins-on-set"] as const) {
      for (const text of texts) {
        expect(verdict(text, { has: also(extra), inBlock: true })).toContain("no-set");
      }
    }
  });

  test("DEALLOCATE ALL is left alone where the pooler knows whose statements are meant", () => {
    expect(verdict('deallocate "all"', { has: also("tracks-deallocate-all") })).toEqual([
      "no-prepare",
    ]);
    expect(verdict("deallocate all", { has: new Set() })).toEqual(["no-prepare"]);
    expect(verdict("deallocate all", { has: also("tracks-deallocate-all") })).toEqual([]);
  });

  test("what is taken away is told in other words than what leaks", () => {
    expect(said(PGBOUNCER)).toContain("stays on a server connection that other clients use next");
    expect(said(also("resets-session-state"))).toContain("is taken away by the pooler");
    expect(said(PGBOUNCER)).not.toContain("secret");
  });
});

test("a statement that the driver puts into a block is outside of one, but for what refuses blocks", () => {
  expect(verdict("set local a.b = 1", { wrapped: true })).toEqual(["no-set-local-outside-block"]);
  expect(verdict("vacuum", { wrapped: true })).toEqual(["needs-autocommit"]);
});

test("no message shows what the text has in quotes, nor what is bound", () => {
  for (const text of [
    "select set_config('secret', 'secret', false)",
    "set a.b = 'secret'",
    "listen secret",
    "set local a.b = 'secret'",
  ]) {
    const findings = judgeStatement(effectsOf(text), {
      has: () => false,
      text,
      isInBlock: false,
      values: ["secret"],
    });

    expect(findings).not.toEqual([]);
    expect(JSON.stringify(findings.map(({ message, help }) => [message, help]))).not.toContain(
      "secret",
    );
  }
});

test("each rule says what happens in a sentence and what to do in another", () => {
  const rules = new Set<string>();
  for (const [text] of TABLE) {
    for (const isInBlock of [false, true]) {
      const has = (one: Capability): boolean => one.startsWith("pins-") && text.includes("nextval");
      for (const { rule, message, help } of judgeStatement(effectsOf(text), {
        has,
        text,
        isInBlock,
      })) {
        rules.add(rule);
        expect(message).toMatch(/^[A-Z`].*[^.]\.$/u);
        expect(help).toMatch(/^[A-Z][a-z]+ .*\.$/u);
      }
    }
  }

  expect([...rules].toSorted()).toEqual(statementRules.map(({ id }) => id).toSorted());
  expect(ruleIds).toEqual(expect.arrayContaining([...rules]));
});
