import type { PoolerTraits } from "../../src/index.ts";

/** A way to write a statement, and how the table calls it. */
export interface StatementForm {
  readonly title: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly isNamed?: boolean;
}

/** A group of the table. */
export interface FormGroup {
  readonly title: string;
  readonly forms: readonly StatementForm[];
}

function form(text: string, title: string = `\`${text}\``): StatementForm {
  return { text, title };
}

/** Every form of statement that has something to do with the session that runs it. */
export const FORMS: readonly FormGroup[] = [
  {
    title: "Ordinary SQL",
    forms: [
      form("select 1", "queries, with or without bound values"),
      form("update t set search_path = 'x', role = 'y'", "`INSERT`, `UPDATE`, `DELETE`, `MERGE`"),
      form("copy t from stdin", "`COPY`"),
      form("create table t (a int)", "`CREATE`, `ALTER`, `DROP` of what is not temporary"),
      form("alter role r set search_path = s", "`ALTER ROLE … SET`, `ALTER DATABASE … SET`"),
      form("notify a", "`NOTIFY`, `pg_notify()`"),
      form("begin", "`BEGIN`, `COMMIT`, `ROLLBACK`, savepoints (see `transaction/no-raw-control`)"),
      form("do $$ begin end $$", "`DO`, `CALL`, unknown functions: counted"),
    ],
  },
  {
    title: "Settings of the session",
    forms: [
      form("set statement_timeout = 1", "`SET x`"),
      form("set time zone 'UTC'", "`SET TIME ZONE`"),
      form("set application_name = 'a'", "`SET application_name`"),
      form("set names 'utf8'", "`SET NAMES`"),
      form(
        "set standard_conforming_strings = on",
        "`SET standard_conforming_strings = on`, also by `set_config()`",
      ),
      form(
        "set local standard_conforming_strings = off",
        "… anything else, also by `RESET` or `SET LOCAL`",
      ),
      form(
        "set local client_encoding = 'SJIS'",
        "`SET LOCAL client_encoding`, `SET NAMES`: not UTF-8",
      ),
      form("set intervalstyle = 'iso_8601'", "`SET IntervalStyle`"),
      form(
        "set session characteristics as transaction read only",
        "`SET SESSION CHARACTERISTICS … READ ONLY`",
      ),
      form("set search_path = s", "`SET search_path`, `SET SCHEMA`"),
      form("set role r", "`SET ROLE`, `RESET ROLE`"),
      form("set session authorization r", "`SET SESSION AUTHORIZATION`"),
      form("reset statement_timeout", "`RESET x`"),
      form("reset all", "`RESET ALL`"),
      form("select set_config('a.b', 'c', false)", "`set_config(…, false)`"),
      {
        title: "`set_config($1, $2, $3)`, false bound",
        text: "select set_config($1, $2, $3)",
        values: ["a.b", "c", false],
      },
      form("select set_config('a.b', 'c', d)", "`set_config(…)`, computed by the server"),
      form("select setseed(0.5)", "`setseed()`, `SET seed`, `SET LOCAL seed`"),
      form(
        "update pg_settings set setting = '1MB' where name = 'work_mem'",
        "`UPDATE pg_settings`",
      ),
    ],
  },
  {
    title: "Settings of the transaction",
    forms: [
      form("set local statement_timeout = 1", "`SET LOCAL x`, `SET LOCAL ROLE`"),
      form("select set_config('a.b', 'c', true)", "`set_config(…, true)`"),
      {
        title: "`set_config($1, $2, $3)`, true bound",
        text: "select set_config($1, $2, $3)",
        values: ["a.b", "c", true],
      },
      form("set transaction isolation level serializable", "`SET TRANSACTION`"),
      form("set constraints all deferred", "`SET CONSTRAINTS`"),
    ],
  },
  {
    title: "Locks and notifications",
    forms: [
      form("select pg_advisory_lock(1)", "`pg_advisory_lock()` and its kin"),
      form("select pg_advisory_unlock(1)", "`pg_advisory_unlock()`, `…_all()`"),
      form("select pg_advisory_xact_lock(1)", "`pg_advisory_xact_lock()` and its kin"),
      form("lock table t", "`LOCK TABLE` ¹"),
      form("listen a", "`LISTEN`"),
      form("unlisten a", "`UNLISTEN`"),
    ],
  },
  {
    title: "What is made for a session",
    forms: [
      form("create temp table t (a int)", "`CREATE TEMP TABLE`, `SELECT … INTO TEMP`"),
      form("create temp table t (a int) on commit drop", "`CREATE TEMP TABLE … ON COMMIT DROP`"),
      form("create temp view v as select 1", "`CREATE TEMP VIEW`, `CREATE TEMP SEQUENCE`"),
      form(
        "create function pg_temp.f() returns int return 1",
        "`CREATE` of anything in the schema `pg_temp` ²",
      ),
      form("declare c cursor for select 1", "`DECLARE` ¹, `FETCH`, `CLOSE`"),
      form("declare c cursor with hold for select 1", "`DECLARE … WITH HOLD`"),
      form("prepare p as select 1", "`PREPARE`"),
      form("execute p", "`EXECUTE`"),
      form("deallocate p", "`DEALLOCATE p`"),
      form("deallocate all", "`DEALLOCATE ALL`"),
      { title: "`query({ name })`", text: "select 1", isNamed: true },
      form("load 'auto_explain'", "`LOAD`"),
      form("discard all", "`DISCARD`"),
    ],
  },
  {
    title: "Sequences",
    forms: [
      form("select nextval('s')", "`nextval()`, `setval()`"),
      form("select lastval()", "`currval()`, `lastval()`"),
      form("insert into t values (1) returning lastval()", "… with `nextval()`, or in an `INSERT`"),
    ],
  },
  {
    title: "What cannot run in a transaction",
    forms: [form("vacuum", "`VACUUM`, `CREATE INDEX CONCURRENTLY`, `CREATE DATABASE`, … ¹")],
  },
];

/** The poolers of the table, each as it comes unless its title says otherwise. */
export const POOLERS: readonly (readonly [title: string, traits: PoolerTraits])[] = [
  ["PgBouncer 1.18", { kind: "pgbouncer", version: "1.18" }],
  ["1.24", { kind: "pgbouncer", version: "1.24" }],
  ["1.26", { kind: "pgbouncer", version: "1.26" }],
  ["Supavisor", { kind: "supavisor" }],
  ["Neon", { kind: "neon" }],
  ["RDS Proxy", { kind: "rds-proxy" }],
  ["PgCat", { kind: "pgcat" }],
  ["PgDog", { kind: "pgdog" }],
  ["Odyssey 1.5", { kind: "odyssey", version: "1.5.2" }],
  ["none", { kind: "none" }],
];
