import { Lexer } from "../../src/sql/lexer.ts";
import { SESSION_FUNCTIONS } from "../../src/sql/effects/session-functions.ts";

type Random = () => number;

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("There is nothing to pick from.");
  return item;
}

/** Expressions with an effect, or with what looks like one. */
const EXPRESSIONS: readonly string[] = [
  "set_config('app.tenant', 'a', false)",
  "set_config('App.Tenant', $1, $2)",
  "set_config($1, $2, $3::boolean)",
  "set_config('app.tenant', nextval('s')::text, true)",
  "set_config(set_config('a.b', 'c', true), 'd', false)",
  "set_config('a.b', array['x', 'y'][1], 'off')",
  "set_config('a.b', (select max(x) from t where y in (1, 2, 3)), true)",
  "set_config(('a.b')::text, cast('c' as text), cast('f' as boolean))",
  "set_config('a.b'::text, concat('a', 'b', lower('c')), boolean 'on')",
  "set_config(setting_name => 'a.b', new_value => 'c', is_local => true)",
  "set_config(is_local := 'n', new_value := null, setting_name := 'a.b')",
  "set_config('a.b', 'c', is_local => $3)",
  "set_config('a.b', 'c', null)",
  "set_config('a.b', 'c', not true)",
  "set_config('a' || '.b', 'c', 1 = 1)",
  "set_config('it''s.x', $$c, false)$$, $t$yes$t$)",
  "set_config('a.b', 'c', 'TRUE'::text::bool)",
  "set_config(current_setting('x'), 'c', (true))",
  "postgres.pg_catalog.set_config('a.b', 'c', false)",
  "postgres.public.nextval('s') || information_schema._pg_truetypid(a, b)",
  "setseed(0.5)",
  "pg_advisory_lock(1)",
  "pg_advisory_lock_shared(1, 2)",
  "pg_try_advisory_lock(hashtext('a'))",
  "pg_try_advisory_lock_shared(1)",
  "pg_advisory_unlock(1)",
  "pg_advisory_unlock_shared(1)",
  "pg_advisory_unlock_all()",
  "pg_advisory_xact_lock(1)",
  "pg_try_advisory_xact_lock_shared(1)",
  "(1::bigint).pg_advisory_lock",
  "(array['s'::regclass])[1].nextval.abs",
  "x.pg_try_advisory_lock",
  "pg_notify('ch', 'payload')",
  "pg_notify($1, $2)",
  "nextval('s'::regclass)",
  "setval('s', 1, true)",
  "currval('s')",
  "lastval()",
  "query_to_xml('select 1', true, true, '')",
  "my_function(1, 'a')",
  "app.my_function(nextval('s'))",
  "app.set_config('a', 'b', false)",
  "lower(coalesce(nullif(trim(both ' ' from a), ''), 'x'))",
  "count(*) filter (where a > 1) over (partition by b order by c rows between 1 preceding and current row)",
  "extract(year from now()) + extract(epoch from clock_timestamp() at time zone 'UTC')",
  "substring(a from 1 for 2) || overlay(a placing 'b' from 1) || position('a' in b)::varchar(10)",
  "(a, b) = any (array[row(1, 2), row(3, 4)])",
  "json_build_object('set_config(''a'',''b'',false)', t.lastval, 'x', \"nextval\")",
  "'set_config(''a'', ''b'', false)'",
  "$$ select nextval('s'); listen x; $$",
  "$q$ pg_advisory_lock(1) $$ $q$",
  "E'\\' || pg_advisory_lock(1) || \\''",
  "t.nextval + t.set_config",
  '"pg_advisory_lock(1)"',
  "case when a then setval('s', 2) else 3 end",
  "exists (select 1 from u where u.id = currval('s'))",
  "a::numeric(10, 2) + interval '1' day + cast(b as decimal(3))",
  "1",
];

/** Where an expression runs, or does not. */
const CONTEXTS: readonly ((expression: string) => string)[] = [
  (e) => `select ${e}`,
  (e) => `select ${e} as x, t.* from t where id = 1`,
  (e) => `select a from t where b = ${e} order by 1 limit 10`,
  (e) => `select (${e})::text from only t x (a, b) join lateral f(1) y on true`,
  (e) => `select * from t, (select ${e} as z) q group by rollup (a), z having count(*) > 1`,
  (e) => `with x (a) as (select ${e}), y as materialized (select 1) select * from x, y`,
  (e) =>
    `with recursive r (n) as (values (1) union all select n + 1 from r), "Q" (z) as (select ${e}) select * from r`,
  (e) => `select distinct on (a, lower(b)) ${e} from t`,
  (e) => `select 1 operator(pg_catalog.+) ${e}`,
  (e) => `with x as (select 1), lastval (n) as (select ${e}) select n, ${e} from lastval`,
  (e) => `with x as (select 1) (select 2) order by 1, ${e}`,
  (e) => `select 1 as with from (select 2) as q, lateral (select ${e}) r`,
  (e) => `select json_query(a, '$' with wrapper), a is json with unique keys, ${e}`,
  (e) => `select * from (values (${e})) "q" (a), "t" as nextval (b)`,
  (e) => `insert into t (a, b) values (${e}, default), (1, 'x')`,
  (e) =>
    `insert into "s"."t"("a", "b") select ${e}, 2 on conflict ("a") do update set b = excluded.b`,
  (e) => `insert into t as x (a) values (1) on conflict do nothing returning ${e}`,
  (e) => `update t set a = ${e}, (b, c) = (select 1, 2) from u where t.id = u.id`,
  (e) => `delete from t using u where t.id = u.id and ${e} is not null returning *`,
  (e) =>
    `merge into t using u on t.id = u.id when matched then update set a = ${e} when not matched then insert (a) values (1)`,
  (e) => `values (${e}), (2)`,
  (e) => `(select ${e}) union all (select 2) order by 1`,
  (e) => `explain select ${e}`,
  (e) => `explain analyze verbose select ${e}`,
  (e) => `explain (analyze, buffers off) select ${e}`,
  (e) => `explain (costs off, analyze false) select ${e}`,
  (e) => `explain analyze create table x as select ${e}`,
  (e) => `explain execute q (${e})`,
  (e) => `explain analyze declare c cursor for select ${e}`,
  (e) => `prepare q (int) as select ${e}`,
  (e) => `execute q (${e}, 2)`,
  (e) => `call app.p(${e}, 2)`,
  (e) => `declare "C" no scroll cursor with hold for select ${e}`,
  (e) => `declare c cursor without hold for select ${e}`,
  (e) => `copy (select ${e} from t) to stdout with (format csv, force_quote (a))`,
  (e) => `copy t (a, b) from stdin with (format csv) where ${e} is null`,
  (e) => `create table x as select ${e}, partition from t`,
  (e) => `create temp table if not exists "X" (a) on commit drop as select ${e}`,
  (e) => `create temporary table x with (fillfactor = 70) on commit preserve rows as select ${e}`,
  (e) => `create table x as execute q (${e})`,
  (e) => `create materialized view if not exists m (a) as select ${e}`,
  (e) => `create or replace view v as select ${e}`,
  (e) => `create or replace temp view v (a) as select ${e}`,
  (e) => `create temp recursive view v (a) as select ${e}`,
  (e) => `create table x (a int default ${e}, check (a > 1)) partition by range (a)`,
  (e) => `create table x partition of t for values from (${e}) to (10) partition by list (a)`,
  (e) =>
    `create function f(a int default 1) returns int language sql set search_path = a, b begin atomic select ${e}; end`,
  (e) => `create function f() returns int language sql set role = x return ${e}`,
  (e) =>
    `create rule r as on insert to t where ${e} is null do also (select ${e}; listen x; notify y)`,
  (e) => `create schema s create table t (a int default ${e}) create view v as select ${e}`,
  (e) => `create index on t ((${e})) where a > 1`,
  (e) => `create policy p on t using (${e} is not null)`,
  (e) =>
    `create trigger g before update of a on t for each row when (${e} is null) execute function f('set_config')`,
  (e) =>
    `alter table t add column a int default ${e}, alter column b set default ${e}, alter c type text using ${e}`,
  (e) =>
    `alter table only t alter column b set default ${e}, add foreign key (a) references u (b) on delete set default`,
  (e) => `alter domain d add check (${e} is null)`,
  (e) => `select ${e} into temp x from t`,
  (e) => `select ${e} into unlogged table x from t for update of t nowait`,
  (e) => `select a into local temporary table "X" from t where ${e} is null`,
  (e) => `select 1 into temp from t where ${e} is null`,
  (e) => `select ${e} into pg_temp.x`,
  (e) => `update only pg_settings set setting = 'a' where name = ${e}`,
  (e) =>
    `with u as (update pg_catalog.pg_settings s set setting = 'a' returning 1) select ${e} from u`,
  (e) => `select * from pg_settings where name = ${e}`,
];

/** What is read otherwise by whoever looks less close. */
const TRAPS: readonly string[] = [
  "select 1 into postgres.pg_temp.x",
  'select 1 into postgres . "pg_temp" . x',
  "select 1 into postgres.public.x",
  'set U&"!0061.b" uescape $$!$$ = 1',
  "reset U&\"!0061.b\" uescape E'!'",
  'create table U&"!0070g_temp" uescape $$!$$ . x (a int)',
  "update U&\"!0070g_settings\" uescape E'!' set setting = 1",
  "alter table t add foreign key (a) references lastval (b)",
  "alter table t add column x int references lastval (b), add y int default nextval('s')",
  "with wrapper (a) as (select 1) select nextval('s') from wrapper",
  "with x (a) as (with y as (select 1), nextval (b) as (select 2) select b from nextval) select a, lastval() from x",
  'deallocate "all"',
  "set standard_conforming_strings = on",
  "set local standard_conforming_strings to 'off'",
  "set standard_conforming_strings = 1",
  "set standard_conforming_strings to default",
  'set standard_conforming_strings = "True"',
  "reset standard_conforming_strings",
  "select set_config('standard_conforming_strings', 'of', false)",
  "select set_config('standard_conforming_strings', 'y', true)",
  "select set_config('standard_conforming_strings', lower('ON'), true)",
  "reindex (verbose concurrently) index i",
  "reindex (concurrently verbose, verbose) index i",
  "explain (verbose on, analyze off) select setval('s', 1)",
  "select t.pg_advisory_lock 'a', pg_catalog . U&\"\\0070g_advisory_unlock\"--\n$$a$$",
  "select a::s.pg_advisory_lock, cast(b as s . pg_advisory_unlock)",
  "select pg_notify(-1, 'a'), pg_notify(1., 'b')",
  `explain ("analyze") select nextval('s')`,
  `explain ("analyze" off) select nextval('s')`,
  `explain (costs off, U&"\\0061nalyze" true) select nextval('s')`,
  `reindex ("concurrently") index i`,
  "set client_encoding = utf8",
  "set client_encoding to 'SQL ASCII'",
  "set session client_encoding to 'sjis'",
  "set local client_encoding to default",
  "reset client_encoding",
  "set names 'utf-8'",
  "set names 'GB18030'",
  "set local names default",
  "set names",
  "select set_config('client_encoding', 'Utf8', false)",
  "select set_config('client_encoding', 'johab', true)",
];

/** Statements with an effect, or with words of one. */
export const STATEMENTS: readonly string[] = [
  ...TRAPS,
  ..."set a = 1|set a.b to 'c'|set local a = 1|set session a = default|set local a from current|set time zone 'UTC'|set local time zone local".split(
    "|",
  ),
  ..."set names 'utf8'|set names|set schema 'a'|set role x|set role none|set local role \"X\"|set session role y|set xml option document".split(
    "|",
  ),
  ..."set session authorization default|set local session authorization x|set session session authorization y|set search_path = a, \"B\", 'c'".split(
    "|",
  ),
  ..."set session characteristics as transaction read only, isolation level serializable|set local session characteristics as transaction deferrable".split(
    "|",
  ),
  ..."set transaction read only|set local transaction isolation level serializable|set transaction snapshot 'x'|set transaction = 'x'|set constraints all deferred".split(
    "|",
  ),
  ..."set constraints a.b, c immediate|set constraints = 'x'|set local to 1|set session = 1|set local.x = 1|set session.y to 2|set time = 1|set \"TimeZone\" = 'x'".split(
    "|",
  ),
  ...'reset a|reset a.b|reset all|reset time zone|reset session authorization|reset transaction isolation level|reset role|reset "All"|reset session|reset time'.split(
    "|",
  ),
  ..."begin|start transaction read only|commit and chain|end|rollback to savepoint s|abort|savepoint s|release s|prepare transaction 'x'|commit prepared 'x'|rollback prepared 'x'".split(
    "|",
  ),
  ...'prepare transaction as select 1|deallocate q|deallocate prepare "Q"|deallocate all|deallocate prepare all|deallocate prepare|discard all|discard plans|discard sequences|discard temp|discard temporary'.split(
    "|",
  ),
  ...'load \'x\'|listen ch|listen "Ch"|unlisten *|unlisten ch|notify ch|notify "Ch", \'set x\'|close c|close all|close "C"|fetch c|fetch next from c|fetch prior c|fetch 5 in c|fetch -3 c'.split(
    "|",
  ),
  ...'fetch all from "C"|fetch forward all in c|fetch backward 2 c|move absolute -1 from c|fetch relative 2 c|move next|lock t|lock table only a.b, c in access exclusive mode nowait'.split(
    "|",
  ),
  ..."copy t from stdin|copy t to stdout|copy a.t (a, b) from stdin|copy t from '/x'|copy t to program 'x'|copy binary t from stdin|copy t to stdout csv header".split(
    "|",
  ),
  ..."do $$ begin set x = 1; end $$|do language plpgsql 'begin end'|call p()|call \"S\".p(1)|vacuum|vacuum (full, analyze) t|vacuum full t|analyze t|cluster|cluster verbose|cluster t using i".split(
    "|",
  ),
  ..."reindex table t|reindex table concurrently t|reindex (verbose, concurrently) index i|reindex (concurrently false) table t|reindex database d|reindex schema s|reindex system d".split(
    "|",
  ),
  ..."create index concurrently on t (a)|create unique index concurrently if not exists i on t using gin (a)|create index concurrently_i on t (a)|drop index concurrently i".split(
    "|",
  ),
  ..."create database d|drop database if exists d|create tablespace s location '/x'|drop tablespace s|alter system set a = 'b'|alter system reset all|alter database d set a = 'b'|alter database d set tablespace s|alter database d tablespace s|alter database d with connection limit 1 tablespace = s|alter database d set tablespace to x|alter database d owner to tablespace".split(
    "|",
  ),
  ..."alter role r set search_path = a|alter role all in database d reset all|alter function f() set a = 'b'|alter table t set (a = 1), set tablespace x|alter table t detach partition p concurrently|alter table if exists t detach partition s.p".split(
    "|",
  ),
  ..."create subscription s connection 'x' publication p|create subscription s connection 'x' publication p with (connect = false)|drop subscription s|alter subscription s refresh publication|alter subscription s disable".split(
    "|",
  ),
  ..."alter subscription s set publication p|alter subscription s add publication p with (refresh = false)|alter subscription s set (failover)|alter subscription s set (slot_name = 'x')".split(
    "|",
  ),
  ..."create temp table t (a int)|create temporary table t (a int, b numeric(3)) on commit drop|create local temp table t (a int) on commit delete rows|create global temporary table t ()|create temp table t () inherits (u) on commit drop".split(
    "|",
  ),
  ..."create table pg_temp.t (a int)|create table pg_temp.t (a int) on commit drop|create view pg_temp.v as select 1|create temp sequence s|create sequence pg_temp.s|create temp table t partition of u for values in (1) on commit drop".split(
    "|",
  ),
  ..."create function pg_temp.f() returns int language sql as 'select 1'|create or replace procedure pg_temp.p() language sql as ''|create type pg_temp.t as (a int)|create type pg_temp.e as enum ('a')|create domain pg_temp.d as int".split(
    "|",
  ),
  ...'create aggregate pg_temp.g (int) (sfunc = a, stype = b)|create unlogged table t (a int)|create table temp (temp int)|create table t (on_commit int, "drop" int)|create foreign table pg_temp.t (a int) server s'.split(
    "|",
  ),
  ..."create extension if not exists \"uuid-ossp\"|comment on table t is 'set x'|grant set on parameter a to b|security label on table t is 'x'|show all|show a.b|truncate t|refresh materialized view concurrently m".split(
    "|",
  ),
  ...'select 1 from "listen" listen, t as set|select a.set, b.listen from a, b|select 1 as temp, 2 as into_temp|table t|insert into set_config (a) values (1)|insert into nextval default values|update t set lastval = 1'.split(
    "|",
  ),
  ...'select 1 into temp temp|select 1 into temp "from"|select 1 into local|select 1 into global temp x|select 1 into table pg_temp.x|select 1 into pg_temp_3.x|select 1 into pg_temporary.x'.split(
    "|",
  ),
  ..."select update, set from t where listen > 1|select 1 for update|select 1 from t for no key update skip locked|import foreign schema a from server b into c|import foreign schema a limit to (set_config) from server b into c".split(
    "|",
  ),
];

/** A statement with an expression in a context, or one of the others. */
export function effectStatement(random: Random): string {
  const plain =
    random() < 0.6 ? pick(random, CONTEXTS)(pick(random, EXPRESSIONS)) : pick(random, STATEMENTS);
  return random() < 0.2 ? plain : disguised(random, plain);
}

/** One to four of them, and comments of agents around the whole. */
export function effectScript(random: Random): string {
  const count = 1 + Math.floor(random() * 4);
  const script = Array.from({ length: count }, () => effectStatement(random)).join(
    pick(random, [";", " ;\n", ";;", "; -- set x = 1;\n"]),
  );
  const [before, behind] = [pick(random, COMMENTS), pick(random, COMMENTS)];
  return `${before}${script}${pick(random, ["", " ", ";", " ; "])}${behind}`;
}

const COMMENTS: readonly string[] = [
  "",
  "",
  "",
  "/*traceparent='00-4bf92f3577b34da6-01'*/",
  " /* application:web, line: 3 */ ",
  "/*dddbs='it%27s',dde='prod'*/ /*a*/",
  "-- set x = 1\n",
  "/* a /* nested */ 'b' */",
  "/*/*/ a */ */",
];

/** The same statement in other letters, blanks, comments and quotes. */
function disguised(random: Random, text: string): string {
  const lexer = new Lexer(text);
  let result = "";
  while (lexer.next() !== "end") {
    const token = lexer.slice();
    const isCalled = text.startsWith("(", lexer.end) && SESSION_FUNCTIONS.has(token);
    if (lexer.kind === "whitespace") result += gap(random);
    else if (isCalled && !/\b(?:into|to|as)\s+$/.test(text.slice(0, lexer.start))) {
      result += calledName(random, token, text[lexer.start - 1] === ".");
    } else if (lexer.kind === "identifier") result += anyCase(random, token);
    else if (token === "," && random() < 0.2) result += `${gap(random)},${gap(random)}`;
    else result += token;
  }
  return result;
}

function calledName(random: Random, name: string, isQualified: boolean): string {
  const spelling = pick(random, [
    anyCase(random, name),
    `"${name}"`,
    `U&"${name}"`,
    `U&"\\00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`,
    `u&"!00${name.charCodeAt(0).toString(16)}${name.slice(1)}" uescape '!'`,
    `u&"!00${name.charCodeAt(0).toString(16)}${name.slice(1)}" uescape ${pick(random, ["$$!$$", "$a$!$a$", "E'!'"])}`,
  ]);
  const schema = pick(random, ["", "", "pg_catalog.", '"pg_catalog" . ', "PG_CATALOG/* a */./**/"]);
  return (
    (isQualified ? "" : schema) + spelling + pick(random, ["", "", " ", "\n", "/* ( */", "--(\n"])
  );
}

function gap(random: Random): string {
  return pick(random, [
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\t ",
    "\r\n",
    "/* ; */",
    " /* a /* b */ ' */ ",
    "-- set_config(\n",
  ]);
}

function anyCase(random: Random, word: string): string {
  return pick(random, [
    word,
    word.toUpperCase(),
    Array.from(word, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter)).join(""),
  ]);
}
