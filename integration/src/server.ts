import type { PoolerPolicy } from "@doorpolicy/core";

/** What a server can be relied on for; scenarios ask for these, never for a version. */
export type ServerTrait =
  /** A pooler stands between the client and Postgres. */
  | "pooler"
  /** A server connection goes to the next client at the end of a transaction. */
  | "transaction-mode"
  /** Startup parameters that the pooler does not track end the connection. */
  | "refuses-startup-parameters";

/** One way to reach Postgres: a pooler of some version in some mode in front of some Postgres, or none. */
export interface ServerSpec {
  /** Part of every result, never renamed. */
  readonly id: string;
  /** For titles: "through PgBouncer 1.24 in transaction mode". */
  readonly title: string;
  readonly postgres: "15" | "16" | "17" | "18";
  /** The PgBouncer version; absent where another pooler stands there, or none. */
  readonly pgbouncer?: string;
  /** The Odyssey version. Its server connections are not cleaned, and there is one a database. */
  readonly odyssey?: string;
  readonly poolMode: "transaction" | "session" | "none";
  readonly traits: ReadonlySet<ServerTrait>;
  /** Asked scenarios whose ids begin so and no others: the rest reads PgBouncer's console. */
  readonly only?: string;
}

function pgbouncer(version: string, postgres: ServerSpec["postgres"] = "17"): ServerSpec {
  const suffix = postgres === "17" ? "" : `-postgres-${postgres}`;
  const before = postgres === "17" ? "" : ` before Postgres ${postgres}`;
  return {
    id: `pgbouncer-${version}${suffix}`,
    title: `through PgBouncer ${version} in transaction mode${before}`,
    postgres,
    pgbouncer: version,
    poolMode: "transaction",
    traits: new Set(["pooler", "transaction-mode", "refuses-startup-parameters"]),
  };
}

function session(version: string): ServerSpec {
  return {
    id: `pgbouncer-${version}-session`,
    title: `through PgBouncer ${version} in session mode`,
    postgres: "17",
    pgbouncer: version,
    poolMode: "session",
    traits: new Set(["pooler", "refuses-startup-parameters"]),
  };
}

const odyssey: ServerSpec = {
  id: "odyssey-1.5",
  title: "through Odyssey 1.5 in transaction mode",
  postgres: "17",
  odyssey: "1.5.2",
  poolMode: "transaction",
  traits: new Set(["pooler", "transaction-mode"]),
  only: "statements/",
};

const direct: ServerSpec = {
  id: "direct",
  title: "on the direct lane",
  postgres: "17",
  poolMode: "none",
  traits: new Set(),
};

/** The servers of the matrix, in its order. */
export const matrixServers: readonly ServerSpec[] = [
  pgbouncer("1.18"),
  pgbouncer("1.24"),
  pgbouncer("1.26"),
];

/** Every server of the suite. */
export const servers: readonly ServerSpec[] = [
  ...matrixServers,
  session("1.24"),
  odyssey,
  direct,
  pgbouncer("1.24", "15"),
  pgbouncer("1.24", "16"),
  pgbouncer("1.26", "18"),
];

/** What a policy says of the server. */
export function poolerPolicy(spec: ServerSpec): PoolerPolicy {
  const mode = spec.poolMode;
  if (mode === "none") return { kind: "none" };
  if (spec.pgbouncer !== undefined) return { kind: "pgbouncer", version: spec.pgbouncer, mode };
  if (spec.odyssey === undefined) return { kind: "none" };
  const settings = { resetsSessionState: false, tracksNamedStatements: true };
  return { kind: "odyssey", version: spec.odyssey, mode, settings };
}
