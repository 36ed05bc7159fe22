import type { Mode } from "@doorpolicy/core";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import { expect } from "vitest";

import { eventually } from "../world.ts";
import { type Stage } from "./stage.ts";

const READ = "select current_setting('app.tenant', true) as s";

/** Units of so many tenants at once over one or two connections: each sees its own value, always. */
export async function crossTenants(
  stage: Stage,
  mode: Mode,
  units: number,
  max: number,
): Promise<void> {
  await using own = stage.actor({
    mode,
    connections: { reuse: "pool", maxPerProcess: max, acquireTimeoutMs: 20_000 },
  });
  const { pool } = own;
  const foreign: unknown[] = [];
  const look = (tenant: string | null, rows: readonly { s: string | null }[]): void => {
    for (const { s } of rows) if ((s || null) !== tenant) foreign.push([tenant, s]);
  };

  await Promise.all(
    Array.from({ length: units }, async (_, index) => {
      if (index % 5 === 4) {
        look(null, (await pool.query(READ)).rows);
        return;
      }
      const tenant = `tenant ${index}`;
      await unitOfWork({ setLocal: { "app.tenant": tenant } }, async () => {
        look(tenant, (await pool.query(READ)).rows);
        look(tenant, (await pool.query(`${READ} where $1::int > 0`, [1])).rows);
        await pool.query("select 1 / 0").catch(() => undefined);
        look(tenant, (await pool.query({ name: "read", text: READ })).rows);
        const client = await pool.connect();
        try {
          await client.query("BEGIN");
          look(tenant, (await client.query(READ)).rows);
          if (index % 3 === 0) await client.query("select 1 / 0").catch(() => undefined);
          await client.query("ROLLBACK");
          look(tenant, (await client.query(READ)).rows);
        } finally {
          client.release();
        }
        await transaction(async () => {
          look(tenant, (await pool.query(READ)).rows);
        });
        await transaction({ setLocal: { "app.tenant": `${tenant} inner` } }, async () => {
          look(`${tenant} inner`, (await pool.query(READ)).rows);
        });
        const several: unknown = await pool.query(`${READ}; ${READ}`);
        if (Array.isArray(several)) for (const { rows } of several) look(tenant, rows);
      });
    }),
  );

  expect(foreign).toEqual([]);
  expect(own.seen).toEqual([]);
  await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
}
