import { capabilitiesOf, type Capability, type PoolerPolicy } from "@doorpolicy/core";
import { startTestbed, type Testbed, type TestbedOptions } from "@doorpolicy/testbed";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { isClientClass } from "../src/driver/pg-internals.ts";

interface Deployed {
  readonly policy: PoolerPolicy;
  readonly pooler: NonNullable<TestbedOptions["pooler"]>;
}

/** Followed, reported by Postgres, and neither. */
const IGNORED: readonly string[] = [
  "TimeZone",
  "IntervalStyle",
  "default_transaction_read_only",
  "statement_timeout",
];

/** Poolers as they can be had here, and what a policy says of each. */
const DEPLOYED: Readonly<Record<string, Deployed>> = {
  "PgBouncer 1.18": {
    policy: { kind: "pgbouncer", version: "1.18" },
    pooler: { version: "1.18" },
  },
  "PgBouncer 1.24": {
    policy: { kind: "pgbouncer", version: "1.24" },
    pooler: { version: "1.24" },
  },
  "PgBouncer 1.24 with server_reset_query_always": {
    policy: { kind: "pgbouncer", version: "1.24", settings: { resetsSessionState: true } },
    pooler: { version: "1.24", settings: { server_reset_query_always: 1 } },
  },
  "PgBouncer 1.26": {
    policy: { kind: "pgbouncer", version: "1.26" },
    pooler: { version: "1.26" },
  },
  "PgBouncer 1.26 with ignore_startup_parameters": {
    policy: {
      kind: "pgbouncer",
      version: "1.26",
      settings: { ignoreStartupParameters: IGNORED },
    },
    pooler: { version: "1.26", settings: { ignore_startup_parameters: IGNORED.join(",") } },
  },
  "Odyssey 1.5.2 as it comes": {
    policy: { kind: "odyssey", version: "1.5.2" },
    pooler: {
      kind: "odyssey",
      version: "1.5.2",
      settings: { pool_discard: "yes", pool_reserve_prepared_statement: "no" },
    },
  },
  "Odyssey 1.5.2 with named statements": {
    policy: {
      kind: "odyssey",
      version: "1.5.2",
      settings: { tracksNamedStatements: true },
    },
    pooler: { kind: "odyssey", version: "1.5.2" },
  },
};

/** Parameters, and a value that is nobody's default. */
const PARAMETERS: readonly (readonly [name: string, value: string])[] = [
  ["TimeZone", "Asia/Tokyo"],
  ["DateStyle", "SQL, DMY"],
  ["IntervalStyle", "iso_8601"],
  ["statement_timeout", "12345ms"],
  ["lock_timeout", "12345ms"],
  ["idle_in_transaction_session_timeout", "12345ms"],
  ["default_transaction_isolation", "serializable"],
  ["default_transaction_read_only", "on"],
  ["work_mem", "12345kB"],
  ["extra_float_digits", "2"],
  ["jit", "off"],
  ["search_path", "pg_catalog"],
];

for (const [title, { policy, pooler }] of Object.entries(DEPLOYED)) {
  describe(`${title} does what the table claims`, () => {
    const capabilities = capabilitiesOf(policy);
    const has = (capability: Capability): boolean => capabilities.has(capability);
    let bed: Testbed;

    beforeAll(async () => {
      // One server connection: whatever stays on it is met by the next client.
      bed = await startTestbed({ allowDownload: true, poolSize: 1, pooler });
    });
    afterAll(async () => {
      await bed.stop();
    });

    for (const [name, value] of PARAMETERS) {
      test.runIf(has(`accepts-startup-parameter:${name}`))(
        `${name} at startup is in effect, and not for the next client`,
        async () => {
          await using first = await logIn(bed, { [name]: value });
          await using second = await logIn(bed);

          expect(await show(first, name)).toBe(value);
          expect(await show(second, name)).not.toBe(value);
          expect(await show(first, name)).toBe(value);
        },
      );
      test.runIf(has(`ignores-startup-parameter:${name}`))(
        `${name} at startup is dropped without a word`,
        async () => {
          await using client = await logIn(bed, { [name]: value });

          expect(await show(client, name)).not.toBe(value);
        },
      );
      test.runIf(has(`tracks-parameter:${name}`))(
        `${name} that is set stays with its client`,
        async () => {
          await using first = await logIn(bed);
          await using second = await logIn(bed);

          await first.query(`set ${name} = '${value}'`);

          expect(await show(second, name)).not.toBe(value);
          expect(await show(first, name)).toBe(value);
        },
      );
    }

    test.runIf(has("resets-session-state"))("what is set is lost and not leaked", async () => {
      await using first = await logIn(bed);
      await using second = await logIn(bed);

      await first.query("set statement_timeout = '12345ms'");
      await first.query("select pg_advisory_lock(1)");

      expect(await show(second, "statement_timeout")).toBe("0");
      expect(await show(first, "statement_timeout")).toBe("0");
      const locks = await second.query(
        "select count(*)::int as n from pg_locks where locktype = 'advisory'",
      );
      expect(locks.rows).toEqual([{ n: 0 }]);
    });

    test.runIf(!has("resets-session-state"))(
      "what is set leaks to the next client, as everything assumes that is not claimed",
      async () => {
        await using first = await logIn(bed);
        await using second = await logIn(bed);

        await first.query("set statement_timeout = '12345ms'");

        expect(await show(second, "statement_timeout")).toBe("12345ms");
        await second.query("reset statement_timeout");
      },
    );

    test.runIf(has("tracks-named-statements"))(
      "two clients use one name for two statements",
      async () => {
        await using first = await logIn(bed);
        await using second = await logIn(bed);

        for (let round = 0; round < 2; round++) {
          const one = await first.query({ name: "s", text: "select 1 as n" });
          const two = await second.query({ name: "s", text: "select 2 as n" });

          expect([one.rows, two.rows]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
        }
      },
    );

    test.runIf(has("tracks-deallocate-all"))(
      "DEALLOCATE ALL of one client leaves the statements of another alone",
      async () => {
        await using first = await logIn(bed);
        await using second = await logIn(bed);
        await first.query({ name: "s", text: "select 1 as n" });

        await second.query("deallocate all");

        expect((await first.query({ name: "s", text: "select 1 as n" })).rows).toEqual([{ n: 1 }]);
      },
    );

    test.runIf(has("transports-application-name"))(
      "Postgres is shown the client's own name",
      async () => {
        await using first = await logIn(bed, { application_name: "first" });
        await using second = await logIn(bed, { application_name: "second" });

        expect(await show(first, "application_name")).toBe("first");
        expect(await show(second, "application_name")).toBe("second");
        expect(await show(first, "application_name")).toBe("first");
      },
    );
  });
}

/** A client that says more at startup than pg would. */
async function logIn(
  bed: Testbed,
  parameters: Readonly<Record<string, string>> = {},
): Promise<pg.Client & AsyncDisposable> {
  const Base: unknown = pg.Client;
  if (!isClientClass(Base)) throw new Error("Not the pg that is tested.");
  class Client extends Base {
    override getStartupConf(): Record<string, string | undefined> {
      return { ...super.getStartupConf(), ...parameters };
    }
  }
  const client: unknown = new Client({ connectionString: bed.urls.pooled });
  if (!(client instanceof pg.Client)) throw new Error("Not the pg that is tested.");
  client.on("error", () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function show(client: pg.Client, name: string): Promise<unknown> {
  const { rows } = await client.query(`select current_setting('${name}') as value`);
  return rows[0]?.value;
}
