import assert from "node:assert/strict";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import type { Statements } from "../../client.ts";
import { reported } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario } from "../../scenario.ts";
import { door, idleInTransaction } from "../ask.ts";

const ONE = "A unit of work uses one connection";
const TENANTS = "A unit's settings hold in it and nowhere else";

/** How many tenants ask at the same time. */
const TENANT_COUNT = 50;

/** `unitOfWork()`: one connection, and settings that reach no stranger. */
export const settings: readonly Scenario[] = [
  {
    id: "units/one-connection",
    title: "does ten reads at once on one connection in a unitOfWork()",
    feature: ONE,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open();
      const mostClients = server.markClients();

      await unitOfWork(async () => {
        await Promise.all(Array.from({ length: 10 }, () => db.query("select 1 as one")));
        await db.insert("also here", ["line"]);
      });

      assert.equal(await mostClients(), 1);
    },
  },
  {
    id: "units/stalled",
    title: "tells a unit that waits for itself, with the holder's name",
    feature: ONE,
    policyOnly: true,
    clientNeeds: ["hands-out-connections"],
    async run({ open }) {
      const db = await open({ policy: { units: { stallMs: 300 } } });

      await unitOfWork({ label: "GET /invoices" }, async () => {
        const taken = await db.take();
        await taken.begin();
        await assert.rejects(db.query("select 1 as one"), /GET \/invoices/);
        await taken.query("rollback");
        await taken.release();
      });

      const { message } = await reported(db.violations, "unit/stalled");
      assert.match(message, /may be waiting for itself/);
    },
  },
  {
    id: "units/waits-for-work",
    title: "waits for a unit's connection as long as whoever has it makes progress",
    feature: ONE,
    policyOnly: true,
    async run({ open }) {
      const db = await open({ policy: { units: { stallMs: 200 } } });

      const [slow, quick] = await unitOfWork(() =>
        Promise.all([
          db.query("select 1 as slept from pg_sleep(0.7)"),
          db.query("select 2 as two"),
        ]),
      );

      assert.deepEqual([slow, quick], [[{ slept: 1 }], [{ two: 2 }]]);
    },
  },
  {
    id: "units/settings",
    title: "gives each statement of a unit its settings, in a block and outside",
    feature: TENANTS,
    async run({ open, server }) {
      const db = await open();
      const tenant = 'it\'s \\ a "tenant"';

      const seen = await unitOfWork({ setLocal: { "app.tenant": tenant } }, async () => [
        await tenantOf(db),
        await db.block((block) => tenantOf(block)),
        await db.block((block) => tenantOf(block), { isolation: "serializable" }),
        await transaction(() => tenantOf(db)),
        await idleInTransaction(server),
        await tenantOf(db),
      ]);

      assert.deepEqual(seen, [tenant, tenant, tenant, tenant, [], tenant]);
    },
  },
  {
    id: "units/settings-end-with-it",
    title: "shows a stranger on the same server connection nothing of a unit's settings",
    feature: TENANTS,
    poolSize: 1,
    async run({ open }) {
      const db = await open();
      const stranger = await open();

      const inside = await unitOfWork({ setLocal: { "app.tenant": "acme" } }, async () => {
        const own = await tenantOf(db);
        await db.query("select 1 / 0").catch(() => {});
        return own;
      });

      assert.equal(inside, "acme");
      const outside = await tenantOf(stranger);
      assert.ok(outside === "" || outside === null, `a stranger saw ${String(outside)}`);
    },
  },
  {
    id: "units/tenants-at-once",
    title: "finds each of fifty tenants its own row when all ask in the same tick",
    feature: TENANTS,
    poolSize: 5,
    async run({ open, server }) {
      const db = await open();
      await withTenants(server, async (tenants) => {
        const found = await Promise.all(
          tenants.map((tenant) => {
            const setLocal = { "app.tenant": tenant };
            return unitOfWork({ setLocal }, async () => (await db.find(`of ${tenant}`))?.number);
          }),
        );
        assert.deepEqual(
          found,
          tenants.map((tenant) => `of ${tenant}`),
        );

        const foreign = await Promise.all(
          tenants.map((tenant, index) => {
            const other = tenants[(index + 1) % tenants.length];
            const setLocal = { "app.tenant": tenant };
            return unitOfWork({ setLocal }, () => db.find(`of ${other}`));
          }),
        );
        assert.equal(foreign.filter((row) => row !== undefined).length, 0);
      });
    },
  },
  {
    id: "units/tenants-in-transactions",
    title: "writes each tenant's rows under its own name in transactions that run at once",
    feature: TENANTS,
    poolSize: 2,
    async run({ open, server }) {
      const db = await open();
      await withTenants(server, async (tenants) => {
        const gate = door();
        const work = tenants.slice(0, 8).map((tenant) =>
          transaction({ setLocal: { "app.tenant": tenant } }, async () => {
            await gate.opened;
            await db.setTotal(`of ${tenant}`, 7);
            return tenantOf(db);
          }),
        );
        gate.open();

        assert.deepEqual(await Promise.all(work), tenants.slice(0, 8));
      });
      const [row] = await server.rows("select count(*)::int as n from invoice where total = 7");
      assert.equal(row?.["n"], 8);
    },
  },
];

async function tenantOf(on: Statements): Promise<unknown> {
  const [row] = await on.query("select current_setting('app.tenant', true) as tenant");
  return row?.["tenant"];
}

/** Rows that a client sees only under their tenant's setting, as row-level security has it. */
async function withTenants(
  server: RunningServer,
  run: (tenants: readonly string[]) => Promise<void>,
): Promise<void> {
  const tenants = Array.from({ length: TENANT_COUNT }, (_, index) => `tenant ${index}`);
  await server.rows(`
    insert into invoice (number, tenant)
    select 'of tenant ' || n, 'tenant ' || n from generate_series(0, ${TENANT_COUNT - 1}) as n;
    create policy own_rows on invoice using (tenant = current_setting('app.tenant', true));
    alter table invoice enable row level security;
    alter table invoice force row level security;`);
  try {
    await run(tenants);
  } finally {
    await server.rows(`
      alter table invoice no force row level security;
      alter table invoice disable row level security;
      drop policy own_rows on invoice;`);
  }
}
