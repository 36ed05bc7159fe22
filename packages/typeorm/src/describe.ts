import {
  type ClientFacts,
  type Environment,
  type Fact,
  type LaneChoice,
  laneInUse,
  type Policy,
  type ResolvedPolicy,
} from "@doorpolicy/core";
import { describePoolConfig, isGuardedPg, resolveForProcess } from "@doorpolicy/pg";

import { bootStatements } from "./boot.ts";
import { withLaneUrl } from "./lane-url.ts";
import { type DataSourceLikeOptions, endpointsOf, pathsOf, poolConfigOf } from "./options.ts";
import { postgresOptions } from "./postgres-options.ts";

/** Words for URL parameters that TypeORM has options of its own for. */
const INSTEAD: Readonly<Record<string, string>> = {
  schema: "Set `schema` in the DataSource options.",
  connection_limit: "Set `poolSize`.",
  max: "Set `poolSize`.",
  poolSize: "Set `poolSize`.",
  pool_timeout: "Set `connectTimeoutMS`.",
  connect_timeout: "Set `connectTimeoutMS`.",
  connectionTimeoutMillis: "Set `connectTimeoutMS`.",
};

const REMEDY = "Wrap the options in `withPolicy(options, policy)`";

/**
 * What these DataSource options will make TypeORM and pg do to the server. With replication the
 * facts of primary and replicas stand together, each under its own path. Connects nowhere and
 * changes nothing.
 *
 * The environment counts (PGAPPNAME, PGOPTIONS); a static check passes an empty one. Throws
 * `PolicyError` `options/refused` for another database and `url/unsupported` for another scheme.
 */
export function describe(
  options: DataSourceLikeOptions,
  policy?: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
  environment: Environment = process.env,
): ClientFacts {
  const given = postgresOptions(options);
  const lane = policy && laneInUse(resolveForProcess(policy), choice);
  const { options: connected, urlName } = withLaneUrl(given, lane);
  const [first, ...others] = endpointsOf(connected).map((endpoint) =>
    describePoolConfig(poolConfigOf(connected, endpoint.credentials), {
      client: "typeorm",
      target: lane?.target.name ?? choice.target ?? "main",
      lane: lane?.lane ?? choice.lane ?? "pooled",
      coverage: isGuardedPg(given.driver) ? "guarded" : "checked",
      environment,
      paths: pathsOf(connected, endpoint, urlName),
      instead: INSTEAD,
      remedy: REMEDY,
    }),
  );
  if (first === undefined) throw new TypeError("A DataSource has at least one endpoint.");
  const all = [first, ...others];
  return {
    ...first,
    // One pool without a name, or with another one, is enough to be unknown to the server.
    applicationName: (
      all.find((facts) => facts.applicationName.value !== first.applicationName.value) ?? first
    ).applicationName,
    startupParameters: unique(all.flatMap((facts) => facts.startupParameters)),
    ...truthOf(all),
    ignoredSettings: unique(all.flatMap((facts) => facts.ignoredSettings)),
    bootStatements: bootStatements(connected),
    nativeDriver:
      connected.nativeDriver === undefined
        ? first.nativeDriver
        : { value: true, path: "nativeDriver" },
  };
}

/** What any endpoint contradicts, and of the TLS modes one that does not say what is done. */
function truthOf(all: readonly ClientFacts[]): Pick<ClientFacts, "contradictions" | "tlsMode"> {
  const contradictions = unique(all.flatMap((facts) => facts.contradictions ?? []));
  const modes = all.flatMap(({ tlsMode }) => (tlsMode === undefined ? [] : [tlsMode]));
  const tlsMode = modes.find(({ value }) => value.standing !== "explicit") ?? modes[0];
  return {
    ...(contradictions.length === 0 ? {} : { contradictions }),
    ...(tlsMode === undefined ? {} : { tlsMode }),
  };
}

/** `extra` is shared by all endpoints, and what it holds is one fact. */
function unique<Value>(facts: readonly Fact<Value>[]): readonly Fact<Value>[] {
  return [...new Map(facts.map((fact) => [fact.path, fact])).values()];
}
