/** What of a call of `query()` decides its verdict, in whatever form it was made. */
export interface AskedStatement {
  readonly text: string;
  /** The bound values as the driver will send them; `undefined` where there are none. */
  readonly values: readonly unknown[] | undefined;
  /** It has a name in the protocol. */
  readonly isNamed: boolean;
}

/**
 * Reads it out of a string, a config, a `pg.Query` of any copy of pg, a cursor, a stream or a COPY: pg takes
 * values that are given beside a config before those in it.
 */
export function askedStatement(text: string, config: unknown, values: unknown): AskedStatement {
  const carrier = carrierOf(config);
  const own = Array.isArray(values) ? values : fieldOf(carrier, "values");
  return {
    text,
    values: Array.isArray(own) ? own : undefined,
    isNamed: isNamed(config),
  };
}

/** True for a config or a query with a name; `""` is none. */
export function isNamed(config: unknown): boolean {
  return typeof config === "object" && config !== null && Boolean(Reflect.get(config, "name"));
}

/** A stream reads a cursor, which has the statement. */
function carrierOf(config: unknown): unknown {
  const inner = fieldOf(config, "cursor");
  return typeof inner === "object" && inner !== null ? inner : config;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
