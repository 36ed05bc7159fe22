import assert from "node:assert/strict";
import { explainError } from "@doorpolicy/core";
import type { CutKind, FaultProxy, ProxyMessage } from "@doorpolicy/testbed";
import type { OpenClient } from "../../client.ts";
import { eventually, soon } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario, World } from "../../scenario.ts";

const feature = "A connection cut at any message costs one error";

/** A write of its own, or in a block; each with a name of its own. */
type Write = (db: OpenClient, note: string) => Promise<unknown>;

const alone: Write = (db, note) =>
  db.query(`insert into audit (note) values ('${note}') returning id`);

const inBlock: Write = (db, note) =>
  db.block((inside) => inside.query(`insert into audit (note) values ('${note}') returning id`));

/** A message by its place among those of its direction and name, which is what a rule can say. */
interface Moment {
  readonly direction: ProxyMessage["direction"];
  readonly message: ProxyMessage["message"];
  readonly nth: number;
}

/** Cut at each message that a login and a write consist of, one connection after another. */
export const everyMessage: readonly Scenario[] = [
  cutEverywhere("statement", "a statement", alone, "fin"),
  cutEverywhere("statement-reset", "a statement", alone, "rst"),
  cutEverywhere("block", "a block", inBlock, "fin"),
];

function cutEverywhere(id: string, what: string, write: Write, kind: CutKind): Scenario {
  const how = kind === "fin" ? "closed" : "reset";
  return {
    id: `resilience/cut-${id}`,
    title: `loses no acknowledged write and writes none twice, wherever in ${what} its connection is ${how}`,
    feature,
    serverNeeds: ["pooler"],
    wide: true,
    async run(world) {
      const proxy = await world.startProxy();
      const db = await openFor(world, proxy);
      const moments = await momentsOf(proxy, () => write(db, "whole"));

      for (const [index, moment] of moments.entries()) {
        await cutAt(world.server, proxy, db, { moment, write, note: `cut-${index}`, kind });
      }
    },
  };
}

/** Every write has a connection and a login of its own. */
function openFor(world: World, proxy: FaultProxy): Promise<OpenClient> {
  const connections = { lingerMs: 0, maxPerProcess: 1, maxLifetimeMs: 0 };
  return world.open({ through: proxy, policy: { connections }, own: { poolMax: 1 } });
}

async function momentsOf(proxy: FaultProxy, run: () => Promise<unknown>): Promise<Moment[]> {
  await closed(proxy);
  proxy.clear();
  await run();
  await closed(proxy);
  const counts = new Map<string, number>();
  return proxy.seen.map(({ direction, message }) => {
    const key = `${direction} ${message}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    return { direction, message, nth };
  });
}

interface Cut {
  readonly moment: Moment;
  readonly write: Write;
  readonly note: string;
  readonly kind: CutKind;
}

async function cutAt(
  server: RunningServer,
  proxy: FaultProxy,
  db: OpenClient,
  { moment, write, note, kind }: Cut,
): Promise<void> {
  const where = `${moment.direction} ${moment.message} ${moment.nth}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the pair was seen together.
  const rule = proxy.when(moment as Parameters<FaultProxy["when"]>[0], { kind: "cut", with: kind });
  const error = await soon(
    where,
    write(db, note).then(() => undefined, asFailure),
  );
  rule.remove();

  const stored = await timesStored(server, note);
  const { retryable } = explainError(error?.reason) ?? {};
  if (error === undefined) assert.equal(stored, 1, `${where}: acknowledged, and not stored once.`);
  else if (retryable === "yes" || retryable === "whole-transaction") {
    assert.equal(stored, 0, `${where}: said to be undone, and stored.`);
  } else assert.ok(stored <= 1, `${where}: stored twice.`);
  await soon(`The write after ${where}`, write(db, `${note}-after`));
  assert.equal(await timesStored(server, `${note}-after`), 1, `${where}: the next one.`);
  await closed(proxy);
}

function asFailure(reason: unknown): { readonly reason: unknown } {
  return { reason };
}

async function timesStored(server: RunningServer, note: string): Promise<number> {
  const [row] = await server.rows(
    `select count(*)::int as times from audit where note = '${note}'`,
  );
  return Number(row?.["times"]);
}

/** Whatever is open comes from the write before. */
function closed(proxy: FaultProxy): Promise<void> {
  return eventually(() => assert.equal(proxy.connections.length, 0));
}
