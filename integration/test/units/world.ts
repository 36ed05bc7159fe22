import assert from "node:assert/strict";

import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { units, withPolicy as withPolicyOfPrisma } from "@doorpolicy/prisma";
import { startTestbed, type Testbed, type TestbedOptions } from "@doorpolicy/testbed";
import { withPolicy } from "@doorpolicy/typeorm";
import pg from "pg";
import { DataSource, EntitySchema, type Repository } from "typeorm";
import { DataSource as DataSource03, EntitySchema as EntitySchema03 } from "typeorm03";

import { PrismaClient } from "../../generated/client.ts";
import { CREATE_TABLES } from "../../src/tables.ts";

/** An invoice as TypeORM's entities hold it. */
export interface InvoiceEntity {
  id?: number;
  number: string;
  total?: number;
  lines?: LineEntity[];
}

/** A line of an invoice. */
interface LineEntity {
  id?: number;
  text: string;
  invoice?: InvoiceEntity;
}

const INVOICE = {
  name: "Invoice",
  tableName: "invoice",
  columns: {
    id: { type: "int", primary: true, generated: "increment" },
    number: { type: "text", unique: true },
    tenant: { type: "text", default: "" },
    total: { type: "int", default: 0 },
  },
  relations: {
    lines: { type: "one-to-many", target: "InvoiceLine", inverseSide: "invoice", cascade: true },
  },
} as const;

const LINE = {
  name: "InvoiceLine",
  tableName: "invoice_line",
  columns: {
    id: { type: "int", primary: true, generated: "increment" },
    text: { type: "text" },
  },
  relations: {
    invoice: { type: "many-to-one", target: "Invoice", joinColumn: { name: "invoice_id" } },
  },
} as const;

/** Versions of TypeORM, each reduced to what both have. */
const TYPEORM = {
  "TypeORM 1": (options: object): DataSource =>
    new DataSource({
      type: "postgres",
      entities: [new EntitySchema<InvoiceEntity>(INVOICE), new EntitySchema<LineEntity>(LINE)],
      ...options,
    }),
  "TypeORM 0.3": (options: object): DataSource =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests call what both versions have.
    new DataSource03({
      type: "postgres",
      entities: [new EntitySchema03<InvoiceEntity>(INVOICE), new EntitySchema03<LineEntity>(LINE)],
      ...options,
    }) as unknown as DataSource,
} as const;

/** A version of TypeORM that the tests run with. */
export type TypeormVersion = keyof typeof TYPEORM;

/** Both ORMs of one service under one policy. */
export interface Service extends AsyncDisposable {
  readonly typeorm: DataSource;
  readonly prisma: ReturnType<typeof withUnits>;
  readonly seen: Violation[];
  readonly invoices: () => Repository<InvoiceEntity>;
}

function withUnits(client: PrismaClient) {
  return client.$extends(units);
}

/** How a service of a test differs from the others. */
interface ServiceOptions {
  readonly typeorm?: TypeormVersion;
  readonly policy?: Policy;
  /** Prisma's own target, where it is to be another one than TypeORM's. */
  readonly prismaTarget?: string;
}

/** Servers, and what Postgres and the pooler say. */
export interface World extends AsyncDisposable {
  readonly bed: Testbed;
  open(options?: ServiceOptions): Promise<Service>;
  /** A policy of the service, with what it reports kept in `seen`. */
  policy(seen: Violation[], more?: Policy): Policy;
  /** Every row that is stored: numbers of invoices, texts of lines and notes, each kind sorted. */
  rows(): Promise<string[]>;
  /** Throws where a backend has a transaction open. */
  requireNothingOpen(): Promise<void>;
  /** Waits until every client of the pooler has gone; throws after five seconds. */
  requireNobodyConnected(): Promise<void>;
  empty(): Promise<void>;
}

/** A second target of every policy here, in a database of its own. */
export const SECOND = "second";

/** How long a holder may have nothing in flight while another waits, in these tests. */
const STALL_MS = 400;

export async function startWorld(options: TestbedOptions = {}): Promise<World> {
  const bed = await startTestbed({
    allowDownload: true,
    poolSize: 4,
    databases: [SECOND],
    ...options,
  });
  for (const database of ["app", SECOND]) {
    await bed.sql(
      `${CREATE_TABLES}; alter table invoice owner to app; alter table invoice_line owner to app; alter table audit owner to app`,
      database,
    );
  }
  // One connection past the pooler for all questions: a new one for each would take most of the time.
  const asking = new pg.Client({ connectionString: bed.urls.direct });
  await asking.connect();
  const policy = (seen: Violation[], more: Policy = {}): Policy => ({
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    targets: {
      main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled: bed.urls.pooled },
      [SECOND]: {
        pooler: { kind: "pgbouncer", version: "1.24" },
        pooled: bed.urlsFor({ database: SECOND }).pooled,
      },
    },
    units: { stallMs: STALL_MS, settleTimeoutMs: 400 },
    onViolation: (violation) => void seen.push(violation),
    ...more,
  });
  const openTransactions = async (): Promise<number> => {
    const { rows } = await asking.query(
      "select 1 from pg_stat_activity where state like 'idle in transaction%'",
    );
    return rows.length;
  };
  const clients = async (): Promise<number> => {
    const rows = await bed.admin("SHOW CLIENTS");
    return rows.filter((row) => row["database"] !== "pgbouncer").length;
  };
  return {
    bed,
    policy,
    async requireNothingOpen() {
      assert.equal(await openTransactions(), 0);
    },
    requireNobodyConnected: () => eventually(async () => assert.equal(await clients(), 0)),
    async open({ typeorm = "TypeORM 1", prismaTarget = "main", policy: more } = {}) {
      const seen: Violation[] = [];
      const own = definePolicy(policy(seen, more));
      const source = TYPEORM[typeorm](withPolicy({ type: "postgres" }, own, { target: "main" }));
      await source.initialize();
      const base = new PrismaClient(withPolicyOfPrisma({}, own, { target: prismaTarget }));
      return {
        typeorm: source,
        prisma: withUnits(base),
        seen,
        invoices: () => source.getRepository<InvoiceEntity>("Invoice"),
        async [Symbol.asyncDispose]() {
          await source.destroy();
          await base.$disconnect();
        },
      };
    },
    async rows() {
      const { rows } = await asking.query<{ kept: string }>(`
        select kept from (
          select number as kept, 1 as kind from invoice
          union all select text, 2 from invoice_line
          union all select note, 3 from audit
        ) rows order by kind, kept collate "C"
      `);
      return rows.map(({ kept }) => kept);
    },
    async empty() {
      await asking.query("delete from invoice_line; delete from invoice; delete from audit");
    },
    async [Symbol.asyncDispose]() {
      await asking.end();
      await bed.stop();
    },
  };
}

/** What a promise was rejected with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It was not rejected.");
}

/** Asks until it is so, for at most five seconds; then shows how it differs. */
export async function eventually(assertion: () => Promise<void> | void): Promise<void> {
  const until = Date.now() + 5_000;
  for (;;) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** The codes of an error and of all that an ORM has wrapped in it. */
export function codesOf(error: unknown): unknown[] {
  const codes: unknown[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    codes.push(Reflect.get(value, "code"));
    for (const key of ["cause", "driverError", "meta", "driverAdapterError"])
      visit(Reflect.get(value, key));
  };
  visit(error);
  return codes;
}

/** The `id` of the first row. */
export function firstOf(rows: unknown): unknown {
  const [row]: { id?: unknown }[] = Array.isArray(rows) ? rows : [];
  return row?.id;
}

/** What was reported, each rule once. */
export function rulesOf({ seen }: Service): string[] {
  return [...new Set(seen.map(({ rule, action }) => `${rule} ${action}`))];
}

/** A promise that is resolved by hand: whose turn it is. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let resolveOpened: (() => void) | undefined;
  const opened = new Promise<void>((resolve) => {
    resolveOpened = resolve;
  });
  return { opened, open: () => resolveOpened?.() };
}
