import { TestbedError } from "./errors.ts";
import { refuseUnknownKeys } from "./known-keys.ts";
import { SUPERUSER } from "./run/cluster.ts";
import { ADMIN_USER, sessionAlias } from "./run/pooler.ts";
import { parseUrl } from "./urls.ts";
import type { AuthMethod, PoolMode, TestbedOptions } from "./options.ts";

/** {@link TestbedOptions} with every default in its place. */
export interface CheckedOptions {
  readonly auth: AuthMethod;
  readonly poolMode: PoolMode;
  readonly poolSize: number;
  readonly tls: boolean;
  readonly user: string;
  readonly password: string;
  /** The first is the one that URLs name. */
  readonly databases: readonly string[];
  /** Every login role but the superuser and the console's. */
  readonly passwords: Readonly<Record<string, string>>;
}

const AUTH: readonly AuthMethod[] = ["trust", "md5", "scram"];
const MODES: readonly PoolMode[] = ["transaction", "session", "statement"];

const RESERVED_DATABASES = ["postgres", "template0", "template1", "pgbouncer", "console"];
const RESERVED_USERS = [SUPERUSER, ADMIN_USER];

/** Fills in defaults and refuses what no server could start with. Throws `testbed/invalid-option`. */
export function checkOptions(options: TestbedOptions): CheckedOptions {
  refuseUnknownKeys(options);
  const { auth = "trust", poolMode = "transaction", poolSize = 20, tls = false } = options;
  const { user = "app", password = "app", database = "app", databases = [], users = {} } = options;
  oneOf("auth", auth, AUTH);
  oneOf("poolMode", poolMode, MODES);
  if (!Number.isInteger(poolSize) || poolSize < 1) {
    throw invalid("poolSize", String(poolSize), "a whole number from 1 up");
  }
  names("database", [database, ...databases], RESERVED_DATABASES);
  names("user", [user, ...Object.keys(users)], RESERVED_USERS);
  for (const name of [database, ...databases]) {
    if (databases.includes(sessionAlias(name)) || database === sessionAlias(name)) {
      throw invalid(
        "database",
        sessionAlias(name),
        `a name that is not the session alias of "${name}"`,
      );
    }
  }
  for (const secret of [password, ...Object.values(users)]) {
    // The value itself is not for messages.
    if (/[\0\r\n]/.test(secret)) throw invalid("password", "…", "text of one line");
  }
  const pooler = options.pooler === false ? {} : (options.pooler ?? {});
  for (const [place, port] of [
    ["postgres.port", options.postgres?.port],
    ["pooler.port", pooler.port],
  ] as const) {
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
      throw invalid(place, String(port), "a port number from 1 to 65535");
    }
  }
  for (const [place, url] of [
    ["postgres.url", options.postgres?.url],
    ["pooler.url", pooler.url],
    ["pooler.sessionUrl", pooler.sessionUrl],
    ["pooler.adminUrl", pooler.adminUrl],
  ] as const) {
    if (url !== undefined) parseUrl(place, url);
  }
  settings("postgres.settings", options.postgres?.settings);
  settings("pooler.settings", pooler.settings);
  return {
    auth,
    poolMode,
    poolSize,
    tls,
    user,
    password,
    databases: [...new Set([database, ...databases])],
    passwords: { ...users, [user]: password },
  };
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw invalid(option, value, allowed.map((each) => `"${each}"`).join(", "));
}

function names(option: string, taken: readonly string[], reserved: readonly string[]): void {
  for (const name of taken) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,54}$/.test(name)) {
      throw invalid(
        option,
        name,
        "letters, digits and underscores, at most 55, beginning with no digit",
      );
    }
    if (reserved.includes(name))
      throw invalid(option, name, `a name other than ${reserved.join(", ")}`);
  }
}

function settings(
  option: string,
  values: Readonly<Record<string, string | number>> | undefined,
): void {
  for (const [key, value] of Object.entries(values ?? {})) {
    if (!/^[\w.]+$/.test(key) || /[\0\r\n]/.test(String(value))) {
      throw invalid(`${option}.${key}`, String(value), "a setting's name, and a value of one line");
    }
  }
}

function invalid(option: string, value: string, allowed: string): TestbedError {
  return new TestbedError(
    "testbed/invalid-option",
    `\`${option}\` is ${JSON.stringify(value)}; allowed: ${allowed}.`,
    `Set \`${option}\` to an allowed value.`,
  );
}
