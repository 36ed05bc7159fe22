import {
  type Attributes,
  createNoopMeter,
  type MeterProvider,
  SpanStatusCode,
} from "@opentelemetry/api";
import { PgInstrumentation } from "@opentelemetry/instrumentation-pg";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { eventually, type Pg, requirePg } from "../world.ts";
import { type PoolStage, startPoolStage } from "./pool-stage.ts";

const exporter = new InMemorySpanExporter();
const sums = new Map<string, number>();
let stage: PoolStage;
let traced: Pg;

beforeAll(async () => {
  stage = await startPoolStage();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  traced = instrument(requirePg("pg816"), provider);
});
afterEach(async () => {
  await stage.clear();
  exporter.reset();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** As OpenTelemetry's own hook does when `pg` and `pg-pool` are loaded. */
function instrument(module: Pg, provider: NodeTracerProvider): Pg {
  const instrumentation = new PgInstrumentation({ enabled: false });
  instrumentation.setTracerProvider(provider);
  instrumentation.setMeterProvider(addingUp());
  for (const { name, patch } of instrumentation.getModuleDefinitions()) {
    if (name === "pg") patch?.(module);
    if (name === "pg-pool") patch?.(Object.getPrototypeOf(module.Pool));
  }
  return module;
}

/** Meters whose up-and-down counters are summed up by name and state. */
function addingUp(): MeterProvider {
  return {
    getMeter: () =>
      Object.assign(createNoopMeter(), {
        createUpDownCounter: (name: string) => ({
          add: (value: number, attributes: Attributes = {}) => {
            const key = `${name} ${String(attributes["db.client.connection.state"] ?? "")}`.trim();
            sums.set(key, (sums.get(key) ?? 0) + value);
          },
        }),
      }),
  };
}

function spans(): { readonly name: string; readonly isFailed: boolean }[] {
  return exporter
    .getFinishedSpans()
    .map(({ name, status }) => ({ name, isFailed: status.code === SpanStatusCode.ERROR }));
}

describe("OpenTelemetry's instrumentation of pg, below the guard", () => {
  test("sees one span for the connection taken and one for the statement, under the caller's own", async () => {
    const pool = stage.actor({}, { module: traced }).pool();

    await pool.query("select 1");
    await pool.query("select 2");

    const names = spans().map(({ name }) => name);
    expect(names.filter((name) => name === "pg-pool.connect")).toHaveLength(2);
    expect(names.filter((name) => name === "pg.connect")).toHaveLength(1);
    expect(names.filter((name) => name.startsWith("pg.query:SELECT"))).toHaveLength(2);
  });

  test("counts a pool's connections: used while they are, idle while they are, none at the end", async () => {
    const pool = stage.actor({ reuse: "pool", maxPerProcess: 2 }, { module: traced }).pool();

    const holder = await pool.connect();
    const used = sums.get("db.client.connection.count used");
    holder.release();
    await pool.query("select 1");
    await pool.end();

    expect(used).toBe(1);
    await eventually(() =>
      expect(Object.fromEntries(sums)).toMatchObject({
        "db.client.connection.count used": 0,
        "db.client.connection.count idle": 0,
        "db.client.connection.pending_requests": 0,
      }),
    );
  });

  test("counts them also where none is kept, with callers who wait", async () => {
    const pool = stage.actor({ lingerMs: 0, maxPerProcess: 2 }, { module: traced }).pool();

    await Promise.all(Array.from({ length: 20 }, () => pool.query("select 1")));
    await pool.end();

    expect(Object.fromEntries(sums)).toMatchObject({
      "db.client.connection.count used": 0,
      "db.client.connection.count idle": 0,
      "db.client.connection.pending_requests": 0,
    });
  });

  test("sees a wait that is over as a failed span", async () => {
    const connections = { maxPerProcess: 1, acquireTimeoutMs: 80 };
    const pool = stage.actor(connections, { module: traced }).pool();
    const holder = await pool.connect();
    exporter.reset();

    await pool.query("select 1").catch(() => undefined);
    holder.release();

    expect(spans()).toContainEqual({ name: "pg-pool.connect", isFailed: true });
  });
});
