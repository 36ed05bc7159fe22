import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { pollUntil } from "../src/poll.ts";

const TABLES = `
  create table invoice (id serial primary key, customer text, cents int);
  create table booking (id serial primary key, request text, service text);`;

let testbed: Testbed;
beforeAll(async () => {
  testbed = await startTestbed({ allowDownload: true, pooler: { version: "1.24" } });
  process.env["DATABASE_URL"] = testbed.urls.pooled;
  process.env["DIRECT_URL"] = testbed.urls.direct;
  const direct = new pg.Client({ connectionString: testbed.urls.direct });
  await direct.connect();
  await direct.query(TABLES);
  await direct.end();
});
afterAll(() => testbed.stop());

/** The pooler is asked: only it knows who is still connected. */
async function countClients(): Promise<number> {
  const clients = await testbed.admin("SHOW CLIENTS");

  return clients.filter((client) => client["database"] !== "pgbouncer").length;
}

function connectedClients(): Promise<number> {
  return pollUntil(countClients, (count) => count === 0, 5_000, new AbortController().signal);
}

describe("the example, through PgBouncer in transaction mode", () => {
  test("of TypeORM writes, reads and leaves no connection behind", async () => {
    const { bill, dataSource, invoicesOf } = await import("../../../examples/typeorm/invoices.ts");
    await dataSource.initialize();

    await bill("acme", [100, 250]);
    const invoices = await invoicesOf("acme");

    expect(invoices.map(({ cents }) => cents)).toEqual([100, 250]);
    expect(await connectedClients()).toBe(0);
    await dataSource.destroy();
  });

  test("of Prisma writes, reads and leaves no connection behind", async () => {
    const { book, bookingsOf, prisma } = await import("../../../examples/prisma/bookings.ts");

    await book("hall", ["morning", "evening"]);
    const bookings = await bookingsOf("hall");

    expect(bookings.map(({ request }) => request)).toEqual(["morning", "evening"]);
    expect(await connectedClients()).toBe(0);
    await prisma.$disconnect();
  });
});
