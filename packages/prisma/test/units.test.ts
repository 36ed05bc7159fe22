import { setTimeout as sleep } from "node:timers/promises";

import { definePolicy, type TargetPolicy } from "@doorpolicy/core";
import { allowing, transaction, unitOfWork } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { PrismaClient } from "../../../integration/generated/client.ts";
import { units, withPolicy } from "../src/index.ts";
import { recording, type Recording, type Sent } from "./recording.ts";

const COUNT = 50;

/** Above every limit, offset and total, so that an id is known among the values of a statement. */
const FIRST_ID = 1_001;

let bed: Testbed;
let base: PrismaClient;
let seen: Recording;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 5, pooler: { version: "1.18" } });
  await bed.sql(`
    create table invoice (
      id serial primary key,
      number text not null unique,
      tenant text not null default '',
      total integer not null default 0
    );
    create table invoice_line (
      id serial primary key,
      invoice_id integer not null references invoice (id),
      text text not null
    );
    alter table invoice owner to app;
    alter table invoice_line owner to app;
  `);
  await bed.sql(`
    insert into invoice (id, number)
    select id, 'n' || id from generate_series(${FIRST_ID}, ${FIRST_ID + COUNT - 1}) id
  `);
});

afterAll(() => bed.stop());

beforeEach(() => {
  base = client();
});

afterEach(async () => {
  await base.$disconnect();
});

describe("lookups of many units in one tick", () => {
  test("go out on another unit's connection without the extension", async () => {
    await inUnits((id) => base.invoice.findUnique({ where: { id } }));

    expect(foreign()).not.toEqual([]);
  });

  test("go out each in its own unit, also while Prisma connects", async () => {
    const prisma = base.$extends(units);

    const rows = await inUnits((id) => prisma.invoice.findUnique({ where: { id } }));

    expect(rows.map((row) => row?.id)).toEqual(ids());
    expect(seen.sent).toHaveLength(COUNT);
    expect(foreign()).toEqual([]);
  });

  test("of one unit are still merged", async () => {
    const prisma = base.$extends(units);

    const rows = await inUnits(
      (id) =>
        Promise.all([id, 1_002, 9].map((one) => prisma.invoice.findUnique({ where: { id: one } }))),
      10,
    );

    expect(rows.map((found) => found.map((row) => row?.id))).toEqual(
      ids(10).map((id) => [id, 1_002, undefined]),
    );
    expect(seen.sent).toHaveLength(10);
  });

  test("outside of units are merged as Prisma does it", async () => {
    const prisma = base.$extends(units);

    await Promise.all(ids().map((id) => prisma.invoice.findUnique({ where: { id } })));

    expect(seen.sent).toHaveLength(1);
    expect(seen.sent[0]?.unit).toBeUndefined();
  });

  test("are kept apart from those outside and from those of the unit around them", async () => {
    const prisma = base.$extends(units);

    await Promise.all([
      prisma.invoice.findUnique({ where: { id: 1_003 } }),
      unitOfWork({ label: "outer" }, () =>
        Promise.all([
          prisma.invoice.findUnique({ where: { id: 1_001 } }),
          transaction(
            { label: "inner" },
            async () => await prisma.invoice.findUnique({ where: { id: 1_002 } }),
          ),
        ]),
      ),
    ]);

    const owners = seen.sent.map(
      ({ unit, values }) => `${unit?.label ?? "outside"} ${String(values[0])}`,
    );
    expect(owners.toSorted()).toEqual(["inner 1002", "outer 1001", "outside 1003"]);
  });

  test("are kept apart when other extensions hold them until they meet", async () => {
    const meeting = client();
    let waiting: (() => void)[] = [];
    const together = () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < COUNT) return;
        const all = waiting;
        waiting = [];
        setImmediate(() => {
          for (const go of all) go();
        });
      });
    const prisma = meeting
      .$extends({
        query: {
          $allOperations: async ({ args, query }) => {
            await sleep(Math.random() * 10);
            const result: unknown = await query(args);
            return result;
          },
        },
      })
      .$extends(units)
      .$extends({ result: { invoice: { label: { compute: () => "shown" } } } })
      .$extends({
        query: {
          $allOperations: async ({ args, query }) => {
            await together();
            const result: unknown = await query(args);
            return result;
          },
        },
      });

    const rows = await inUnits((id) => prisma.invoice.findUnique({ where: { id } }));

    expect(rows.map((row) => [row?.id, row?.label])).toEqual(ids().map((id) => [id, "shown"]));
    expect(foreign()).toEqual([]);
    await meeting.$disconnect();
  });

  test("inside interactive transactions go out in the unit that holds the transaction", async () => {
    const prisma = base.$extends(units);

    await inUnits(
      (id) =>
        prisma.$transaction(async (tx) => {
          await everybody();
          await tx.invoice.findUnique({ where: { id } });
          await tx.invoice.update({ where: { id }, data: { total: { increment: 1 } } });
        }),
      5,
    );

    expect(seen.sent.filter(({ sql }) => sql.startsWith("UPDATE"))).toHaveLength(5);
    expect(foreign()).toEqual([]);
  });

  test("do not take the $transaction([…]) of another unit with them", async () => {
    const prisma = base.$extends(units);

    const rows = await inUnits(
      (id) =>
        Promise.all([
          prisma.invoice.findUnique({ where: { id } }),
          prisma.$transaction([
            prisma.invoice.findFirst({ where: { id } }),
            prisma.invoice.count({ where: { id } }),
          ]),
        ]),
      10,
    );

    expect(rows.map(([row, [first, count]]) => [row?.id, first?.id, count])).toEqual(
      ids(10).map((id) => [id, id, 1]),
    );
    expect(seen.sent.filter(({ sql }) => sql === "BEGIN")).toHaveLength(10);
    expect(foreign()).toEqual([]);
  });
});

describe("a unit with setLocal", () => {
  const tenant = { setLocal: { "app.tenant": "one" } };
  const refusal = expect.objectContaining({
    code: "unit/needs-extension",
    message: expect.stringContaining("Add `.$extends(units)`") as unknown,
  }) as unknown;

  test.each<[string, (prisma: PrismaClient) => PromiseLike<unknown>]>([
    ["a lookup", (prisma) => prisma.invoice.findUnique({ where: { id: 1 } })],
    ["a query", (prisma) => prisma.invoice.findMany()],
    ["a write", (prisma) => prisma.invoice.updateMany({ data: { total: 1 } })],
    ["raw SQL that reads", (prisma) => prisma.$queryRaw`select 1`],
    ["raw SQL that writes", (prisma) => prisma.$executeRaw`update invoice set total = 1`],
    ["a nested write", (prisma) => prisma.invoice.create(nested("refused"))],
    ["an array of operations", (prisma) => prisma.$transaction([prisma.invoice.count()])],
    ["an interactive transaction", (prisma) => prisma.$transaction((tx) => tx.invoice.count())],
  ])("refuses %s of a client without the extension, and sends nothing", async (_what, run) => {
    const call = unitOfWork(tenant, async () => await run(base));

    await expect(call).rejects.toEqual(refusal);
    expect(seen.connections).toBe(0);
  });

  test("takes everything of a client with the extension", async () => {
    const prisma = base.$extends(units);

    const total = await unitOfWork(tenant, async () => {
      await prisma.invoice.findUnique({ where: { id: 1 } });
      await prisma.$queryRaw`select 1`;
      await prisma.$executeRaw`update invoice set total = 0`;
      await prisma.invoice.create(nested("one"));
      await prisma.$transaction([prisma.invoice.create(nested("two"))]);
      await prisma.$transaction(async (tx) => {
        await tx.$queryRaw`select 1`;
        await tx.invoice.create(nested("three"));
        await tx.$transaction((inner) => inner.invoice.create(nested("four")));
      });
      return await prisma.invoice.count({ where: { lines: { some: {} } } });
    });

    expect(total).toBe(4);
  });

  test("refuses a second client on the same options that lacks the extension", async () => {
    const options = withPolicy({}, policy());
    const extended = new PrismaClient(options).$extends(units);
    const bare = new PrismaClient(options);

    const outcome = await unitOfWork(tenant, async () => {
      await extended.invoice.count();
      return await bare.invoice.count().catch((error: unknown) => error);
    });

    expect(outcome).toEqual(refusal);
    await extended.$disconnect();
    await bare.$disconnect();
  });

  test("is no concern of units without it", async () => {
    const count = await unitOfWork({}, async () => await base.invoice.count());

    expect(count).toBeGreaterThanOrEqual(COUNT);
  });
});

describe("allowing()", () => {
  const RULE = "unit/required-setting";
  const allowed = <Result>(run: () => PromiseLike<Result>): Promise<Result> =>
    allowing(RULE, "everybody's", run);

  beforeEach(() => {
    base = client({ requireSetting: ["app.tenant"] });
  });

  test.each([
    ["first", true],
    ["second", false],
  ])("allows its own lookups of a tick and no others, where it comes %s", async (_, isFirst) => {
    const prisma = base.$extends(units);
    const find = (id: number) => prisma.invoice.findUnique({ where: { id } });
    const asks = [() => allowed(() => find(1_001)), () => failure(find(1_002))];

    const answers = await Promise.all((isFirst ? asks : asks.toReversed()).map((ask) => ask()));

    const [row, error] = isFirst ? answers : answers.toReversed();
    expect(row).toMatchObject({ id: 1_001 });
    expect(error).toMatchObject({ code: RULE });
  });

  test("does not allow the $transaction([…]) of another request either", async () => {
    const prisma = base.$extends(units);

    const [row, error] = await Promise.all([
      allowed(() => prisma.invoice.findUnique({ where: { id: 1_001 } })),
      failure(prisma.$transaction([prisma.invoice.count()])),
    ]);

    expect(row?.id).toBe(1_001);
    expect(error).toMatchObject({ code: RULE });
  });

  test("merges its own lookups with each other, in a unit and outside", async () => {
    const prisma = base.$extends(units);
    const both = () =>
      allowed(() =>
        Promise.all([1_001, 1_002].map((id) => prisma.invoice.findUnique({ where: { id } }))),
      );

    await Promise.all([both(), unitOfWork({ label: "unit" }, both)]);

    const owners = seen.sent.map(
      ({ unit, values }) => `${unit?.label ?? "outside"} ${values.slice(0, 2).join(" ")}`,
    );
    expect(owners.toSorted()).toEqual(["outside 1001 1002", "unit 1001 1002"]);
  });

  test("refuses a client without the extension, and sends nothing", async () => {
    const error = await failure(allowed(() => base.invoice.findUnique({ where: { id: 1_001 } })));

    expect(error).toMatchObject({ code: "unit/needs-extension" });
    expect(seen.connections).toBe(0);
  });
});

describe("the extension", () => {
  test("gives the client itself back, and changes it once", () => {
    const before = loaderOf(base);
    const once = base.$extends(units);
    const split = loaderOf(base);
    const twice = once.$extends(units);

    expect(once).toBe(base);
    expect(twice).toBe(base);
    expect(split).not.toBe(before);
    expect(loaderOf(base)).toBe(split);
  });

  test("refuses a client whose lookups it cannot keep apart", () => {
    expect(() => units({})).toThrow(expect.objectContaining({ code: "driver/unsupported" }));
    expect(() => units({ _requestHandler: { dataloader: {} }, _engine: {} })).toThrow(
      expect.objectContaining({ code: "driver/unsupported" }),
    );
  });
});

/** The error of a call; `"sent"` where there is none. */
function failure(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).then(
    () => "sent",
    (error: unknown) => error,
  );
}

/** Calls `run` in `count` units that all start in this tick; the label of each is its id. */
function inUnits<Result>(
  run: (id: number) => PromiseLike<Result>,
  count = COUNT,
): Promise<Result[]> {
  let here = 0;
  let open: () => void;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  everybody = async () => {
    here += 1;
    if (here === count) open();
    await all;
  };
  return Promise.all(
    ids(count).map((id) => unitOfWork({ label: String(id) }, async () => await run(id))),
  );
}

/** Waits for all units of {@link inUnits}, so that what follows happens in one tick. */
let everybody: () => Promise<void>;

function ids(count = COUNT): number[] {
  return Array.from({ length: count }, (_, index) => FIRST_ID + index);
}

/** Statements that went out in a unit which is not theirs: by their ids, or by their transaction. */
function foreign(): Sent[] {
  return seen.sent.filter(
    ({ unit, owner, values }) =>
      unit === undefined ||
      unit !== owner ||
      values.some((value) => Number(value) >= FIRST_ID && String(value) !== unit.label),
  );
}

function nested(number: string) {
  return { data: { number, lines: { create: { text: number } } } };
}

function policy(target: TargetPolicy = {}) {
  return definePolicy({
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    connections: { reuse: "pool" },
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.18" },
        pooled: bed.urls.pooled,
        ...target,
      },
    },
    onViolation: () => undefined,
  });
}

function client(target?: TargetPolicy): PrismaClient {
  const options = withPolicy({ log: [{ emit: "event", level: "query" }] }, policy(target));
  seen = { sent: [], connections: 0 };
  const prisma = new PrismaClient({ ...options, adapter: recording(options.adapter, seen) });
  prisma.$on("query", () => undefined);
  return prisma;
}

function loaderOf(prisma: object): unknown {
  return Reflect.get(Object(Reflect.get(prisma, "_requestHandler")), "dataloader");
}
