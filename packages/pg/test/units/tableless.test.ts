import { describe, expect, test } from "vitest";

import { isTableless } from "../../src/units/tableless.ts";

describe("names no table", () => {
  test.each([
    "",
    "-- nothing",
    "BEGIN",
    "start transaction isolation level serializable",
    "COMMIT; BEGIN",
    "SHOW server_version",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "set local statement_timeout = 5",
    "prepare transaction 'x'",
    "LISTEN jobs",
    "select 1",
    "SELECT version()",
    "SELECT * FROM current_schema()",
    "SELECT * FROM current_database() AS name",
    "select 'from invoice' as text, $1::int",
    "select (1), now(), pg_backend_pid()",
    "select extract(epoch from now()), 1",
    "select pg_advisory_xact_lock($1)",
    "select pg_try_advisory_lock(1, 2)",
    "select set_config('app.tenant', $1, true)",
    "/* health */ select 1;",
  ])("%s", (text) => {
    expect(isTableless(text)).toBe(true);
  });
});

describe("may touch a table", () => {
  test.each([
    "select * from invoice",
    "select 1 from invoice",
    'select 1 from"invoice"',
    "select * from current_schema(), invoice",
    "select * from current_schema() join invoice on true",
    "select * from current_schema() cross join lateral invoice",
    "select * from (select * from invoice) i",
    "select * from only (invoice)",
    "select (select count(*) from invoice)",
    "select exists (table invoice)",
    "select 1 union table invoice",
    "select 1 into invoice",
    "select total()",
    "select tenant.version()",
    'select "version"()',
    "select query_to_xml('select * from invoice', true, true, '')",
    "select * from (version(), invoice)",
    "select array(select 1 from version(), invoice)",
    "table invoice",
    "values (1)",
    "with i as (table invoice) select 1",
    "insert into invoice values (1)",
    "explain select 1",
    "copy invoice to stdout",
    "do $$ begin delete from invoice; end $$",
    "call totals()",
    "prepare p as select * from invoice",
    "execute p",
    "create table t as table invoice",
    "select 1; delete from invoice",
  ])("%s", (text) => {
    expect(isTableless(text)).toBe(false);
  });
});

test("a SELECT that is too long for a health check is not looked into", () => {
  expect(isTableless(`select ${"1, ".repeat(500)} 1`)).toBe(false);
});
