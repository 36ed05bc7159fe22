import { type LaneInUse, readConnectionUrl } from "@doorpolicy/core";

import { hasConnection } from "../config/index.ts";

/** Where a connection leads, as far as it is said. */
interface Place {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly database?: string | undefined;
}

/**
 * The database that a connection leads to, as a text that can be compared: host, port and name, and nothing
 * of who logs in. What `connection` says itself wins over the URL of the lane, as it does in `pg`, and its
 * `connectionString` over its other keys; what nobody says comes from `PGHOST`, `PGPORT` and `PGDATABASE`.
 *
 * No name is looked up: two names of one server are two places.
 *
 * @throws PolicyError `url/unsupported` for a URL that cannot be read.
 */
export function placeText(lane: LaneInUse, connection: Readonly<Record<string, unknown>>): string {
  const { PGHOST, PGPORT, PGDATABASE } = process.env;
  const { direct, pooled } = lane.target.lanes;
  const { url } = lane.lane === "direct" ? direct : pooled;
  const { host, port, database } = hasConnection(connection)
    ? placeOfConfig(connection)
    : placeOfUrl(url?.reveal());
  const server = (host ?? PGHOST ?? "localhost").toLowerCase();
  return `${server}:${port ?? PGPORT ?? "5432"}/${database ?? PGDATABASE ?? ""}`;
}

function placeOfConfig(config: Readonly<Record<string, unknown>>): Place {
  const [url, host, port, database] = ["connectionString", "host", "port", "database"].map((key) =>
    textOf(config[key]),
  );
  const there = placeOfUrl(url);
  return {
    host: there.host ?? host,
    port: there.port ?? port,
    database: there.database ?? database,
  };
}

function placeOfUrl(url: string | undefined): Place {
  // `pg` takes a path for the directory of a socket, and reads no more in it.
  if (url === undefined || url.startsWith("/")) return { host: url };
  return readConnectionUrl(url);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
