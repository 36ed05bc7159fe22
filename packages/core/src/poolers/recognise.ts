import type { PoolerKind, PoolMode } from "../pooler.ts";
import type { ConnectionUrl } from "../url/connection-url.ts";

/** What a host and a port show of what stands between a client and Postgres. */
export interface RecognisedPooler {
  /** `"none"` for an address at which a provider serves Postgres itself. */
  readonly kind: PoolerKind;
  /** Absent where the provider leaves it to its users. */
  readonly mode?: PoolMode;
  /** What it was recognised by, such as `*.pooler.supabase.com:6543`; never the host itself. */
  readonly by: string;
}

/** One address that a provider documents. */
interface Address {
  readonly host: RegExp;
  /** As it is shown in a message. */
  readonly pattern: string;
  /** Absent where every port is meant. */
  readonly port?: string;
  readonly kind: PoolerKind;
  readonly mode?: PoolMode;
  readonly source: string;
}

const SUPABASE = "supabase.com, connect to your database";
const NEON = "neon.com, connection pooling";
const AWS = "AWS, rds-proxy-connecting and rds-proxy-endpoints";
const DIGITALOCEAN = "DigitalOcean, manage connection pools; prisma/prisma#4280";
const CRUNCHY = "docs.crunchybridge.com, PgBouncer";
const AZURE = "learn.microsoft.com, PgBouncer in Azure Database for PostgreSQL";

/** The first that fits counts. What a team runs itself has no address of its own, and is not here. */
const ADDRESSES: readonly Address[] = [
  {
    host: /\.pooler\.supabase\.com$/u,
    pattern: "*.pooler.supabase.com",
    port: "6543",
    kind: "supavisor",
    mode: "transaction",
    source: SUPABASE,
  },
  {
    host: /\.pooler\.supabase\.com$/u,
    pattern: "*.pooler.supabase.com",
    port: "5432",
    kind: "supavisor",
    mode: "session",
    source: SUPABASE,
  },
  {
    host: /^db\.[^.]+\.supabase\.co$/u,
    pattern: "db.*.supabase.co",
    port: "6543",
    kind: "pgbouncer",
    mode: "transaction",
    source: `${SUPABASE}: dedicated pooler`,
  },
  {
    host: /^db\.[^.]+\.supabase\.co$/u,
    pattern: "db.*.supabase.co",
    port: "5432",
    kind: "none",
    source: SUPABASE,
  },
  {
    host: /^[^.]+-pooler\.(?:[^.]+\.)+neon\.tech$/u,
    pattern: "*-pooler.*.neon.tech",
    kind: "neon",
    mode: "transaction",
    source: NEON,
  },
  {
    host: /^ep-[^.]+\.(?:[^.]+\.)+neon\.tech$/u,
    pattern: "ep-*.neon.tech",
    kind: "none",
    source: NEON,
  },
  {
    host: /\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(?:\.cn)?$/u,
    pattern: "*.proxy-*.rds.amazonaws.com",
    kind: "rds-proxy",
    mode: "transaction",
    source: AWS,
  },
  {
    host: /\.rds\.amazonaws\.com(?:\.cn)?$/u,
    pattern: "*.rds.amazonaws.com",
    kind: "none",
    source: AWS,
  },
  {
    host: /\.db\.ondigitalocean\.com$/u,
    pattern: "*.db.ondigitalocean.com",
    port: "25061",
    kind: "pgbouncer",
    source: DIGITALOCEAN,
  },
  {
    host: /\.db\.ondigitalocean\.com$/u,
    pattern: "*.db.ondigitalocean.com",
    port: "25060",
    kind: "none",
    source: DIGITALOCEAN,
  },
  {
    host: /\.db\.postgresbridge\.com$/u,
    pattern: "*.db.postgresbridge.com",
    port: "5431",
    kind: "pgbouncer",
    source: CRUNCHY,
  },
  {
    host: /\.db\.postgresbridge\.com$/u,
    pattern: "*.db.postgresbridge.com",
    port: "5432",
    kind: "none",
    source: CRUNCHY,
  },
  {
    host: /\.postgres\.database\.azure\.com$/u,
    pattern: "*.postgres.database.azure.com",
    port: "6432",
    kind: "pgbouncer",
    source: AZURE,
  },
  {
    host: /\.postgres\.database\.azure\.com$/u,
    pattern: "*.postgres.database.azure.com",
    port: "5432",
    kind: "none",
    source: AZURE,
  },
];

/**
 * Which pooler an address leads to, by the hosts and ports that providers document; `undefined` for
 * any other, a list of hosts and a Unix socket included. No name is looked up: a host of one's own that
 * is an alias for one of these is not recognised.
 */
export function recognisePooler({
  host,
  port = "5432",
}: Pick<ConnectionUrl, "host" | "port">): RecognisedPooler | undefined {
  // A name may end in a dot, and knows no case.
  const name = host?.toLowerCase().replace(/\.$/u, "") ?? "";
  const found = ADDRESSES.find(
    (address) => address.host.test(name) && !name.includes(",") && (address.port ?? port) === port,
  );
  if (found === undefined) return undefined;
  const { kind, mode, pattern } = found;
  const by = found.port === undefined ? pattern : `${pattern}:${found.port}`;
  return Object.freeze({ kind, ...(mode === undefined ? {} : { mode }), by });
}
