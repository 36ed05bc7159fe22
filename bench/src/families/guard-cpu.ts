import { AsyncLocalStorage } from "node:async_hooks";
import type * as Pg from "pg";
import { guardedPg } from "../clients/guarded.ts";
import { instrumentedPg } from "../clients/instrumented.ts";
import { collectGarbage } from "../load/collect-garbage.ts";
import { MemoryServer } from "../clients/memory-server.ts";
import { ownPg } from "../clients/pg-copy.ts";
import {
  type Experiment,
  metricOf,
  quotient,
  type Round,
  twinOf,
  type Variant,
} from "../method/experiment.ts";
import type { Goal } from "../method/goal.ts";
import { commented, fresh, repeated, SHORT, type Texts } from "./statement-texts.ts";

const STATEMENTS = 2000;
const RUNS = { rounds: { full: 81, quick: 11 }, warmups: 4 };

/** A service of today has it on: tracing, request contexts, or a unit of work. */
const storage = new AsyncLocalStorage<object>();

type Driver = Pick<typeof Pg, "Client" | "Pool">;

interface OpenClient {
  readonly client: Pg.ClientBase;
  readonly close: () => Promise<void>;
}

const CONFIG = { stream: () => new MemoryServer(), user: "bench", host: "memory", password: "" };

async function openClient({ Client }: Driver): Promise<OpenClient> {
  const client = new Client(CONFIG);
  await client.connect();
  return { client, close: () => client.end() };
}

async function checkOut({ Pool }: Driver): Promise<OpenClient> {
  const pool = new Pool(CONFIG);
  const client = await pool.connect();
  const close = async (): Promise<void> => {
    client.release();
    await pool.end();
  };
  return { client, close };
}

/** CPU time per statement on one connection, nothing but this process taking part. */
async function onMemory(
  driver: Driver,
  texts: Texts,
  { inPool = false, withStorage = true } = {},
): Promise<Variant> {
  const { client, close } = await (inPool ? checkOut(driver) : openClient(driver));
  const statements = async (batch: readonly string[]): Promise<void> => {
    for (const text of batch) await client.query(text);
  };
  return {
    async run() {
      const batch = texts(STATEMENTS);
      collectGarbage();
      const before = process.cpuUsage();
      await (withStorage ? storage.run({}, () => statements(batch)) : statements(batch));
      const { user, system } = process.cpuUsage(before);
      // Switched on it would cost the variants without it as well.
      storage.disable();
      return { cpu: (user + system) / STATEMENTS };
    },
    [Symbol.asyncDispose]: close,
  };
}

const cpuOf = (name: string, what: string, texts: Texts, goal?: Goal): Experiment => ({
  ...RUNS,
  figures: [
    quotient(
      {
        name: `guard.cpu.${name}`,
        what: `CPU, guarded / plain pg: ${what}`,
        ...(goal && { goal }),
      },
      { ours: "guarded", base: "plain", metric: "cpu" },
    ),
  ],
  variants: {
    guarded: () => onMemory(guardedPg(), texts),
    plain: () => onMemory(ownPg(), texts),
  },
});

/** What is measured through the pool's own handle, as a service does that checks a connection out. */
const inPool: Experiment = {
  ...RUNS,
  figures: [
    quotient(
      { name: "guard.cpu.handle", what: "CPU, guarded / plain pg: repeated, on a checkout" },
      { ours: "guarded", base: "plain", metric: "cpu" },
    ),
  ],
  variants: {
    guarded: () => onMemory(guardedPg(), repeated, { inPool: true }),
    plain: () => onMemory(ownPg(), repeated, { inPool: true }),
  },
};

const asyncLocalStorage: Experiment = {
  ...RUNS,
  figures: [
    quotient(
      { name: "guard.als", what: "CPU, plain pg with AsyncLocalStorage on / off" },
      { ours: "on", base: "off", metric: "cpu" },
    ),
  ],
  variants: {
    on: () => onMemory(ownPg(), repeated),
    off: () => onMemory(ownPg(), repeated, { withStorage: false }),
  },
};

/** What each adds to plain pg, one divided by the other. */
const addedTo = (round: Round, ours: string): number => {
  const of = (variant: string): number => metricOf(round(variant), "cpu");
  return (of(ours) - of("plain")) / (of("instrumented") - of("plain"));
};

const openTelemetry: Experiment = {
  ...RUNS,
  figures: [
    {
      name: "guard.otel",
      what: "CPU that the guard adds / that OpenTelemetry's instrumentation of pg adds",
      goal: { atMost: 0.25 },
      needs: ["guarded", "plain", "instrumented"],
      twin: "plain",
      of: (round) => addedTo(round, "guarded"),
      control: (round) => addedTo(round, twinOf("plain")),
    },
    quotient(
      { name: "guard.otel.alone", what: "CPU, pg with OpenTelemetry's instrumentation / plain pg" },
      { ours: "instrumented", base: "plain", metric: "cpu" },
    ),
  ],
  variants: {
    guarded: () => onMemory(guardedPg(), repeated),
    plain: () => onMemory(ownPg(), repeated),
    instrumented: () => onMemory(instrumentedPg(), repeated),
  },
};

/** What the guard costs this process per statement, without a network. */
export const guardCpu: readonly Experiment[] = [
  asyncLocalStorage,
  cpuOf("repeated", "the same text again and again", repeated, { atMost: 1.03 }),
  cpuOf("fresh", "1 kB of text, made anew each time", fresh, { atMost: 1.2 }),
  cpuOf("comment", "1 kB and a comment that is never the same", commented(), { atMost: 1.2 }),
  cpuOf("comment.short", "a short text and such a comment", commented(SHORT)),
  inPool,
  openTelemetry,
];
