import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import type { OpenClient } from "../client.ts";
import { pgClient } from "../clients/pg.ts";
import { prisma7 } from "../clients/prisma-7.ts";
import { typeorm1 } from "../clients/typeorm-1.ts";
import { CREATE_TENANT_TABLES, SERVICE_ROLE, TENANT_SETTING } from "./tables.ts";
import { seedOf, type Tenant } from "./tenant.ts";

/** Server connections of the pooler: every one is everybody's. */
const POOL_SIZE = 2;

/** A client of the service, by its library. */
export type TenantClient = "pg" | "typeorm" | "prisma";

/** Servers with the tables of many tenants, and a service that uses them through three libraries. */
export interface TenantWorld extends AsyncDisposable {
  readonly bed: Testbed;
  readonly clients: Readonly<Record<TenantClient, OpenClient>>;
  readonly violations: readonly Violation[];
  /** Every row, as Postgres itself says, past every policy. */
  invoices(): Promise<readonly { number: string; tenant: string; total: number }[]>;
  lines(): Promise<readonly { text: string; tenant: string }[]>;
  /** The most server connections of the service at a time, so far. */
  serverConnections(): Promise<number>;
}

export async function startTenantWorld(tenants: readonly Tenant[]): Promise<TenantWorld> {
  const bed = await startTestbed({
    allowDownload: true,
    poolSize: POOL_SIZE,
    users: { [SERVICE_ROLE]: SERVICE_ROLE },
  });
  await bed.sql(CREATE_TENANT_TABLES, "app");
  for (const tenant of tenants) {
    await bed.sql(
      `set app.tenant = '${tenant.name}'; insert into invoice (number) values ('${seedOf(tenant)}')`,
      "app",
    );
  }
  const violations: Violation[] = [];
  const url = bed.urlsFor({ user: SERVICE_ROLE }).pooled;
  const guarding = {
    guarded: true,
    policy: policyOf(url, violations),
    choice: {},
    violations,
  } as const;
  const open = { url, own: {}, guarding };
  const [pg, typeorm, prisma] = await Promise.all([
    pgClient.open(open),
    typeorm1.open(open),
    prisma7.open(open),
  ]);
  const clients = { pg, typeorm, prisma };
  return {
    bed,
    clients,
    violations,
    async invoices() {
      const rows = await bed.sql("select number, tenant, total from invoice", "app");
      return rows.map(({ number, tenant, total }) => ({
        number: number ?? "",
        tenant: tenant ?? "",
        total: Number(total),
      }));
    },
    async lines() {
      const rows = await bed.sql("select text, tenant from invoice_line", "app");
      return rows.map(({ text, tenant }) => ({ text: text ?? "", tenant: tenant ?? "" }));
    },
    async serverConnections() {
      const rows = await bed.sql(
        `select count(*) as open from pg_stat_activity where usename = '${SERVICE_ROLE}'`,
      );
      return Number(rows[0]?.["open"]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(clients).map((client) => client.close()));
      await bed.stop();
    },
  };
}

function policyOf(url: string, violations: Violation[]): Policy {
  return definePolicy({
    mode: "enforce",
    naming: { app: "tenants", user: "suite", host: "here" },
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.24" },
        pooled: url,
        requireSetting: [TENANT_SETTING],
      },
    },
    // Far more callers than server connections: all of them wait, and none gives up.
    connections: { maxPerProcess: 20, acquireTimeoutMs: 20_000 },
    onViolation: (violation) => void violations.push(violation),
  });
}
