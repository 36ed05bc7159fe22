import type { Client, PoolClient } from "pg";
import { expect, test } from "vitest";

import { startTap } from "./tap.ts";
import { eventually, makeCursor, rejection, requirePg, type World } from "./world.ts";

/** The states of the guard's table in which a holder may have its connection. */
const STATES = ["idle", "busy", "portal", "block", "failed", "busy in block", "ended"] as const;
type State = (typeof STATES)[number];

/** What may happen to it there. */
const EVENTS = ["release", "two releases", "end()", "loss", "endNow()"] as const;
type Event = (typeof EVENTS)[number];

/** How a statement is given to pg. */
export const FORMS = ["promise", "callback", "Query", "cursor"] as const;
export type Form = (typeof FORMS)[number];

const LEFT_OPEN = "transaction/left-open";
const BUSY = "connections/released-busy";

/** What is reported, by state and event; what is not listed is nobody's fault. */
const REPORTS: Readonly<Record<State, { readonly [E in Event]?: readonly string[] }>> = {
  idle: {},
  // The statement is short: at release it is waited for, at end() and a loss it is not.
  busy: { "end()": [BUSY], loss: ["statement/outcome-unknown"] },
  portal: { release: [BUSY], "two releases": [BUSY], "end()": [BUSY], "endNow()": [BUSY] },
  block: {
    release: [LEFT_OPEN],
    "two releases": [LEFT_OPEN],
    "end()": [LEFT_OPEN],
    "endNow()": [LEFT_OPEN],
  },
  failed: {
    release: [LEFT_OPEN],
    "two releases": [LEFT_OPEN],
    "end()": [LEFT_OPEN],
    "endNow()": [LEFT_OPEN],
  },
  "busy in block": {
    release: [LEFT_OPEN],
    "two releases": [LEFT_OPEN],
    "end()": [BUSY, LEFT_OPEN],
    "endNow()": [LEFT_OPEN],
  },
  ended: {},
};

const SLOW = "insert into note select 'slow' from pg_sleep(0.15)";

/** Walks the table of `connection-guard.ts`: each state × each event, with one pg and one form of call. */
export function walkTable(name: string, form: Form, world: () => World): void {
  const steps = STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const));
  test.each(steps)("%s, then %s", async (state, event) => {
    const { bed } = world();
    await using tap = await startTap(bed.urls.pooled);
    const idleTimeoutMs = state === "ended" ? 60 : 5_000;
    const { pg, seen } = world().guard(
      {
        connections: { maxPerProcess: 1, acquireTimeoutMs: 3_000 },
        transaction: { idleTimeoutMs },
        targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
      },
      requirePg(name),
    );
    const pool = new pg.Pool({ connectionString: tap.url(bed.urls.pooled) });
    const client = await pool.connect();
    const running = await bring(client, state, form);
    const before = seen.length;

    if (event === "loss" && state !== "ended") {
      const lost = new Promise((resolve) => client.once("end", resolve));
      tap.cut();
      await lost;
    }
    if (event === "end()") await endOf(client);
    if (event === "endNow()") await Promise.all([endNow(pool), Promise.allSettled(running)]);
    if (event !== "endNow()") client.release();
    if (event === "two releases") client.release();

    const late = await rejection(client.query("insert into note values ('late')"));
    expect(late).toBeInstanceOf(Error);
    await Promise.allSettled(running);
    const next = event === "endNow()" ? [{ n: 1 }] : (await pool.query("select 1 as n")).rows;
    if (event !== "endNow()") await pool.end();
    expect(next).toEqual([{ n: 1 }]);
    await eventually(async () => expect(await world().openTransactions()).toBe(0));
    expect(await bed.sql("select * from note where text = 'late'", "app")).toEqual([]);
    const reported = seen.slice(before).map(({ rule }) => rule);
    expect(reported).toEqual(REPORTS[state][event] ?? []);
  });

  test("released inside the connect callback", async () => {
    const { bed } = world();
    const { pg, seen } = world().guard(
      { connections: { maxPerProcess: 1, acquireTimeoutMs: 3_000 } },
      requirePg(name),
    );
    const pool = new pg.Pool({ connectionString: bed.urls.pooled });

    await new Promise<void>((resolve, reject) => {
      pool.connect((error, _client, release) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
    await pool.query("select 1");
    await pool.end();

    expect(seen).toEqual([]);
  });
}

/** Brings a connection into a state; what is still running is given back. */
async function bring(client: PoolClient, state: State, form: Form): Promise<Promise<unknown>[]> {
  if (state === "idle") return [];
  if (state === "busy") return [ask(client, SLOW, form)];
  if (state === "portal") {
    const cursor = client.query(makeCursor("select generate_series(1, 100)"));
    await cursor.read(5);
    return [];
  }
  await ask(client, "BEGIN", form === "cursor" ? "promise" : form);
  if (state === "failed") await rejection(ask(client, "select 1/0", form));
  if (state === "ended") await new Promise((resolve) => client.once("end", resolve));
  return state === "busy in block" ? [ask(client, SLOW, form)] : [];
}

function ask(client: PoolClient, text: string, form: Form): Promise<unknown> {
  const asked = answer(client, text, form);
  // Whoever is to wait for it may come later.
  asked.catch(() => undefined);
  return asked;
}

function answer(client: PoolClient, text: string, form: Form): Promise<unknown> {
  if (form === "promise") return client.query(text);
  if (form === "cursor") {
    const cursor = client.query(makeCursor(text));
    return cursor.read(1).then(() => cursor.close());
  }
  return new Promise((resolve, reject) => {
    const callback = (error: unknown, result?: unknown): void =>
      error ? reject(error) : resolve(result);
    if (form === "callback") client.query(text, callback);
    else client.query(new (queryClassOf(client))(text, callback));
  });
}

function queryClassOf(client: PoolClient): new (text: string, callback: unknown) => never {
  let one: unknown = client.constructor;
  while (typeof one === "function" && !("Query" in one)) one = Object.getPrototypeOf(one);
  return Reflect.get(Object(one), "Query");
}

function endOf(client: PoolClient): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg's types hide what is there.
  return (client as unknown as Client).end();
}

async function endNow(pool: object): Promise<void> {
  if ("endNow" in pool && typeof pool.endNow === "function") await pool.endNow();
}
