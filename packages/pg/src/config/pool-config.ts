/** A `pg.PoolConfig`, a `pg.ClientConfig`, or the URL that `pg.Client` takes in its place. */
export type PoolConfigInput = object | string | undefined;

/** A copy of a pool config whose keys can be read and replaced one by one. */
export type ConfigValues = Record<string, unknown>;

/**
 * Limits that a service wrote where a pooler would refuse or ignore them. They stand in the pool
 * config under {@link HANDED_KEY}, and the guarded driver sends them with BEGIN instead.
 */
export interface HandedLimits {
  /** Milliseconds; 0 means none. From `statement_timeout`, or from the client-side `query_timeout`. */
  readonly statementTimeoutMs?: number;
  /** Milliseconds; 0 means none. From `lock_timeout`. */
  readonly lockTimeoutMs?: number;
  /** Milliseconds; 0 means none. From `idle_in_transaction_session_timeout`: what the server is told. */
  readonly serverIdleTimeoutMs?: number;
}

/** The key of a pool config that carries what node-postgres has no word for; pg leaves it alone. */
export const HANDED_KEY = "doorpolicy";

/**
 * The limits that `applyToPoolConfig` took out of a config's startup parameters.
 *
 * A plain string key and not a symbol, so that it is seen when a config is printed and survives a
 * deep copy.
 */
export function handedLimits(config: PoolConfigInput): HandedLimits {
  return handedPart(config, "limits");
}

/**
 * How its user calls settings that a written exception allows, by pg's own word for each: `extra.ssl` for
 * `ssl`. An adapter's options become a pool config before the guarded driver reads them, and the exception
 * speaks of the option.
 */
export function notedPaths(config: PoolConfigInput): Readonly<Record<string, unknown>> {
  return { ...handedPart(config, "paths") };
}

function handedPart(config: PoolConfigInput, part: "limits" | "paths"): object {
  if (typeof config !== "object") return {};
  const handed = valueOf(config, HANDED_KEY);
  const found = typeof handed === "object" && handed !== null ? valueOf(handed, part) : undefined;
  return typeof found === "object" && found !== null ? found : {};
}

/**
 * A copy, with other values for some keys, that keeps what spreading loses: pg and pg-pool make
 * `password` non-enumerable on every config that went through them, and `{ ...pool.options }` then
 * connects without one.
 */
export function copyPoolConfig(config: PoolConfigInput, replaced: ConfigValues = {}): ConfigValues {
  if (config === undefined) return { ...replaced };
  if (typeof config === "string") return { connectionString: config, ...replaced };
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(config);
  for (const descriptor of Object.values(descriptors)) {
    // A frozen config is a good config; its copy has to be editable all the same.
    descriptor.configurable = true;
    if ("value" in descriptor) descriptor.writable = true;
  }
  const copy: ConfigValues = Object.create(Reflect.getPrototypeOf(config), descriptors);
  for (const [key, value] of Object.entries(replaced)) setKey(copy, key, value);
  return copy;
}

/** Replaces one key of a copy, whatever its property was like before: frozen, hidden or a getter. */
export function setKey(values: ConfigValues, key: string, value: unknown): void {
  Object.defineProperty(values, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** The value under a key of any object. */
export function valueOf(object: object, key: string): unknown {
  return Reflect.get(object, key);
}

const WHERE_KEYS = ["connectionString", "host", "port", "user", "password", "database"] as const;

/** True where a config itself says where to connect, so that no URL of the policy may take its place. */
export function hasConnection(config: object): boolean {
  return WHERE_KEYS.some((key) => valueOf(config, key) !== undefined);
}
