import {
  type Policy,
  type ProcessContext,
  type ResolvedPolicy,
  resolvePolicy,
  type ClientFacts,
  type Fact,
} from "../src/index.ts";

/** A process that everything is known of. */
export const PROCESS: ProcessContext = {
  environment: {},
  identity: { hostName: "web-1.eu.example", userName: "deploy", processId: 4711 },
  today: "2026-06-15",
};

/** A process with some environment variables. */
export function processWith(environment: ProcessContext["environment"]): ProcessContext {
  return { ...PROCESS, environment };
}

/** A policy of one service, resolved. */
export function resolved(policy: Policy = {}, context: ProcessContext = PROCESS): ResolvedPolicy {
  return resolvePolicy({ naming: { app: "billing" }, ...policy }, context);
}

/** A fact with a path that a test can look for. */
export function fact<Value>(value: Value, path = "somewhere"): Fact<Value> {
  return { value, path };
}

/** A client about which there is nothing to say, changed in some facts. */
export function facts(changes: Partial<ClientFacts> = {}): ClientFacts {
  return {
    client: "some-orm",
    coverage: "checked",
    target: "main",
    lane: "pooled",
    applicationName: fact("billing:deploy@web-1"),
    poolMax: fact(10),
    usesPerConnection: fact(1),
    acquireTimeoutMs: fact(5_000),
    startupParameters: [],
    namedStatements: fact(false),
    abandonQueryAfterMs: undefined,
    bootStatements: [],
    ignoredSettings: [],
    nativeDriver: fact(false),
    ...changes,
  };
}

/** Runs what is expected to throw, and gives what it threw. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}

/** Numbers between 0 and 1 that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What JavaScript users may pass, who have no compiler between them and us. */
export function untyped(policy: unknown): Policy {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it may be wrong is the point
  return policy as Policy;
}

/** A reporter of violations that does nothing. */
export function silent(): void {}

/** Another one. */
export function alsoSilent(): void {}
