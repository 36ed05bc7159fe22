import { TestbedError } from "./errors.ts";
import type { SimpleTarget } from "./wire/simple-client.ts";

/** Where to connect to. Each carries role and password: print them only where secrets may be seen. */
export interface TestbedUrls {
  /** Through the pooler, in the mode that was asked for. */
  readonly pooled: string;
  /** Through the pooler, in session mode: a second alias of the same database, with its own pool. */
  readonly session: string;
  /** To PostgreSQL itself. */
  readonly direct: string;
  /**
   * To the pooler's admin console (simple protocol only).
   *
   * Reading it throws `testbed/no-admin-console` where there is none.
   */
  readonly admin: string;
}

/** Parts of a URL. */
export interface UrlParts extends Omit<SimpleTarget, "tls"> {
  /** CA that signed the server's certificate; the URL then asks for verified TLS. */
  readonly caFile?: string | undefined;
}

/** `postgres://user:password@host:port/database`, each part escaped. */
export function formatUrl({ user, password, host, port, database, caFile }: UrlParts): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const tls =
    caFile === undefined ? "" : `?sslmode=verify-full&sslrootcert=${encodeURIComponent(caFile)}`;
  return `postgres://${login}@${host}:${port}/${encodeURIComponent(database)}${tls}`;
}

/** The parts of a URL that somebody gave. Throws `testbed/invalid-option`; the URL stays out of it. */
export function parseUrl(option: string, url: string): SimpleTarget {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalidUrl(option, "it cannot be read as a URL");
  }
  if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") {
    throw invalidUrl(option, `its scheme is "${parsed.protocol.replace(/:$/, "")}"`);
  }
  const user = decodeURIComponent(parsed.username);
  if (parsed.hostname === "" || user === "")
    throw invalidUrl(option, "it names no host or no user");
  const database = decodeURIComponent(parsed.pathname.slice(1));
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? 5432 : Number(parsed.port),
    user,
    password: decodeURIComponent(parsed.password),
    database: database === "" ? user : database,
    tls: /^(require|verify-)/.test(parsed.searchParams.get("sslmode") ?? ""),
  };
}

/** Adds the admin URL, or the error in its place where there is no console; printing shows neither. */
export function withAdmin(
  urls: Omit<TestbedUrls, "admin">,
  admin: string | undefined,
): TestbedUrls {
  if (admin !== undefined) return Object.freeze({ ...urls, admin });
  const withoutConsole = {
    ...urls,
    get admin(): never {
      throw noAdminConsole();
    },
  };
  return Object.freeze(Object.defineProperty(withoutConsole, "admin", { enumerable: false }));
}

/** There is no pooler, or only its URL is known. */
export function noAdminConsole(): TestbedError {
  return new TestbedError(
    "testbed/no-admin-console",
    "This testbed has no pooler whose admin console it knows.",
    "Leave `pooler` out to start one, or set `pooler.adminUrl` beside `pooler.url`.",
  );
}

function invalidUrl(option: string, why: string): TestbedError {
  return new TestbedError(
    "testbed/invalid-option",
    `\`${option}\` is not a PostgreSQL URL: ${why}.`,
    `Set \`${option}\` to postgres://user:password@host:port/database.`,
  );
}
