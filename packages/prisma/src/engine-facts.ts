import {
  type ClientFacts,
  type Fact,
  type LaneChoice,
  laneInUse,
  type Policy,
  readConnectionUrl,
  recognisePooler,
  type ResolvedPolicy,
  type StartupParameter,
} from "@doorpolicy/core";
import { resolveForProcess, withoutSecrets } from "@doorpolicy/pg";

import { engineTls } from "./engine-tls.ts";

const DEFAULT_PATH = "default of prisma";

/** Parameters that pg sends and the native engine discards, so that nobody has the limit they name. */
const DISCARDED: readonly string[] = [
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
];

/**
 * What a URL will make the native engine of Prisma 5 and 6 do to the server. Coverage *configured*:
 * no guard sees into the engine.
 *
 * Learnt from `quaint` (`connector/postgres/url.rs`, `pooled.rs`): a pool of twice the machine's
 * cores plus one, ten seconds of waiting, 100 named statements a connection, unless the URL says
 * otherwise. With `pgbouncer=true` no statement has a name, and `schema` is a `SET` instead of a
 * startup parameter.
 *
 * Throws `PolicyError` `url/unsupported`.
 */
export function describeEngineUrl(
  url: string,
  policy?: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): ClientFacts {
  const lane = policy && laneInUse(resolveForProcess(policy), choice);
  const parsed = readConnectionUrl(url);
  const recognised = recognisePooler(parsed);
  const tlsMode = engineTls(parsed);
  const parameters = new Map(parsed.parameters.map(({ name, value }) => [name, value]));
  const given = (name: string): Fact<string> | undefined => {
    const value = parameters.get(name);
    return value === undefined || value === "" ? undefined : { value, path: `url?${name}` };
  };
  const number = (name: string, fallback: number, scale: number): Fact<number> => {
    const fact = given(name);
    const value = Number(fact?.value);
    if (fact === undefined || !Number.isInteger(value) || value < 0) return unset(fallback);
    // The engine reads 0 as "none".
    return { value: value === 0 ? Infinity : value * scale, path: fact.path };
  };
  const isForPooler = given("pgbouncer")?.value === "true";
  const isWithoutCache = given("statement_cache_size")?.value === "0";
  const socketTimeout = given("socket_timeout");
  return {
    client: "prisma",
    coverage: "configured",
    target: lane?.target.name ?? choice.target ?? "main",
    lane: lane?.lane ?? choice.lane ?? "pooled",
    ...(recognised && { recognised: { value: recognised, path: "url" } }),
    ...(tlsMode && { tlsMode: { value: tlsMode, path: "url?sslmode" } }),
    applicationName: given("application_name") ?? unset(undefined),
    poolMax: number("connection_limit", Infinity, 1),
    usesPerConnection: unset(Infinity),
    acquireTimeoutMs: number("pool_timeout", 10_000, 1000),
    startupParameters: startupParameters(given, isForPooler),
    namedStatements: isForPooler
      ? { value: false, path: "url?pgbouncer" }
      : isWithoutCache
        ? { value: false, path: "url?statement_cache_size" }
        : unset(true),
    abandonQueryAfterMs: socketTimeout && number("socket_timeout", Infinity, 1000),
    bootStatements: [],
    ignoredSettings: DISCARDED.filter((name) => parameters.has(name)).map((name) => ({
      value: { name, instead: `Set it with \`ALTER ROLE … SET ${name}\`.` },
      path: `url?${name}`,
    })),
    nativeDriver: unset(false),
  };
}

function startupParameters(
  given: (name: string) => Fact<string> | undefined,
  isForPooler: boolean,
): readonly Fact<StartupParameter>[] {
  const options = given("options");
  const schema = isForPooler ? undefined : given("schema");
  return [
    ...(options
      ? [{ value: { name: "options", value: withoutSecrets(options.value) }, path: options.path }]
      : []),
    ...(schema ? [{ value: { name: "search_path", value: schema.value }, path: schema.path }] : []),
  ];
}

function unset<Value>(value: Value): Fact<Value> {
  return { value, path: DEFAULT_PATH };
}
