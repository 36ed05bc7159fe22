import assert from "node:assert/strict";
import type { PolicyErrorCode } from "@doorpolicy/core";
import type { OpenClient, Row } from "../../client.ts";
import { policyError } from "../../expect.ts";
import type { Scenario, World } from "../../scenario.ts";

/** Something that a statement leaves on the server connection that it ran on. */
interface Leak {
  readonly id: string;
  readonly title: string;
  readonly rule: PolicyErrorCode;
  readonly leaves: string;
  /** What a stranger on the same server connection asks; `value` is what is left there. */
  readonly asks: string;
  readonly clean: unknown;
  /** Not every pooler leaks it everywhere; where it follows it, there is nothing to refuse. */
  readonly wide?: true;
}

const LEAKS: readonly Leak[] = [
  {
    id: "setting",
    title: "a setting of the application",
    rule: "session-state/no-set",
    leaves: "set app.tenant = 'acme'",
    asks: "select coalesce(current_setting('app.tenant', true), '') as value",
    clean: "",
  },
  {
    id: "set-config",
    title: "a setting by set_config()",
    rule: "session-state/no-set",
    leaves: "select set_config('app.tenant', 'acme', false) as one",
    asks: "select coalesce(current_setting('app.tenant', true), '') as value",
    clean: "",
    wide: true,
  },
  {
    id: "timeout",
    title: "a limit of statements",
    rule: "session-state/no-set",
    leaves: "set statement_timeout = '3s'",
    asks: "select current_setting('statement_timeout') as value",
    clean: "0",
    wide: true,
  },
  {
    id: "search-path",
    title: "a search_path",
    rule: "session-state/no-search-path",
    leaves: "set search_path = elsewhere",
    asks: "select current_setting('search_path') as value",
    clean: '"$user", public',
  },
  {
    id: "role",
    title: "a role",
    rule: "session-state/no-role",
    leaves: "set role pg_monitor",
    asks: "select current_setting('role') as value",
    clean: "none",
  },
  {
    id: "lock",
    title: "an advisory lock",
    rule: "session-state/no-session-lock",
    leaves: "select 1 as one from pg_advisory_lock(4711)",
    asks: "select count(*)::int as value from pg_locks where locktype = 'advisory' and objid = 4711",
    clean: 0,
  },
  {
    id: "listen",
    title: "a channel that is listened to",
    rule: "session-state/no-listen",
    leaves: "listen leaked_channel",
    asks: "select count(*)::int as value from pg_listening_channels()",
    clean: 0,
  },
  {
    id: "temp",
    title: "a temporary table",
    rule: "session-state/no-temp",
    leaves: "create temporary table leaked_table (secret text)",
    asks: "select count(*)::int as value from pg_class where oid = to_regclass('pg_temp.leaked_table')",
    clean: 0,
  },
  {
    id: "prepared",
    title: "a statement that SQL has prepared",
    rule: "session-state/no-prepare",
    leaves: "prepare leaked_statement as select 1",
    asks: "select count(*)::int as value from pg_prepared_statements where name = 'leaked_statement'",
    clean: 0,
    wide: true,
  },
];

const feature = "Nothing stays behind on the pooler's server connection";

/** Two clients on one server connection: what one of them leaves there, the other would meet. */
export const leaks: readonly Scenario[] = [
  ...LEAKS.flatMap((leak): readonly Scenario[] => [
    {
      id: `statements/${leak.id}`,
      title: `refuses ${leak.title}, so that a stranger does not meet it`,
      feature,
      serverNeeds: ["transaction-mode"],
      poolSize: 1,
      ...(leak.wide && { wide: leak.wide }),
      run: (world) => expectNothingLeft(world, leak, (db) => db.query(leak.leaves)),
    },
    {
      id: `statements/${leak.id}-committed`,
      title: `refuses ${leak.title} in a block too, which would store it`,
      feature,
      serverNeeds: ["transaction-mode"],
      poolSize: 1,
      wide: true,
      run: (world) =>
        expectNothingLeft(world, leak, (db) => db.block((block) => block.query(leak.leaves))),
    },
  ]),
  {
    id: "statements/held-cursor",
    title: "refuses a cursor that is held beyond its block, so that a stranger cannot read it",
    feature,
    serverNeeds: ["transaction-mode"],
    poolSize: 1,
    run: (world) =>
      expectNothingLeft(
        world,
        {
          rule: "session-state/no-held-cursor",
          asks: "select count(*)::int as value from pg_cursors where is_holdable",
          clean: 0,
        },
        (db) =>
          db.block((block) =>
            block.query("declare leaked_cursor cursor with hold for select 'secret' as one"),
          ),
      ),
  },
  {
    id: "statements/local",
    ordinary: true,
    title: "lets a block have its own settings, locks and tables, which end with it",
    feature: "What ends with its transaction is allowed in it",
    serverNeeds: ["transaction-mode"],
    poolSize: 1,
    async run({ open }) {
      const db = await open();
      const stranger = await open({ plain: true });

      const inside = await db.block(async (block) => {
        await block.query("set local app.tenant = 'acme'");
        await block.query("select set_config('app.other', 'x', true) as one");
        await block.query("select 1 as one from pg_advisory_xact_lock(4711)");
        await block.query("create temporary table picked (a int) on commit drop");
        await block.query("declare reader cursor for select 1 as one");
        return await block.query("select current_setting('app.tenant') as value");
      });

      assert.deepEqual(valueOf(inside), "acme");
      const left = await stranger.query(
        "select coalesce(current_setting('app.tenant', true), '') as value",
      );
      assert.equal(valueOf(left), "");
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "statements/local-outside",
    title: "refuses a setting for a transaction where there is none, which would hold for nothing",
    feature: "What ends with its transaction is allowed in it",
    policyOnly: true,
    serverNeeds: ["transaction-mode"],
    async run({ open }) {
      const db = await open();

      const error = await failureOf(db.query("set local app.tenant = 'acme'"));

      policyError(error, "session-state/no-set-local-outside-block");
    },
  },
];

/** The stranger is a plain client: whoever has no policy, on the same pool. */
async function expectNothingLeft(
  { open }: World,
  { rule, asks, clean }: Pick<Leak, "rule" | "asks" | "clean">,
  leave: (db: OpenClient) => Promise<unknown>,
): Promise<void> {
  const db = await open();
  const stranger = await open({ plain: true });
  assert.deepEqual(valueOf(await stranger.query(asks)), clean);

  const error = await failureOf(leave(db));

  assert.deepEqual(valueOf(await stranger.query(asks)), clean);
  const { message } = policyError(error, rule);
  assert.doesNotMatch(message, /acme|secret|leaked/);
  assert.deepEqual(
    db.violations.map((violation) => [violation.rule, violation.action]),
    [[rule, "refused"]],
  );
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

function valueOf(rows: readonly Row[]): unknown {
  return rows[0]?.["value"];
}
