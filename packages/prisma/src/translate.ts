import { readConnectionUrl, withoutParameters } from "@doorpolicy/core";
import { type ConfigPaths, copyPoolConfig, type SettingChange } from "@doorpolicy/pg";

/** A pool config and adapter options, as they are read and replaced here. */
export interface AdapterInput {
  readonly config: Readonly<Record<string, unknown>>;
  readonly adapterOptions: Readonly<Record<string, unknown>>;
}

/** A parameter that Prisma's own engine read from the URL, and the pool option that does the same. */
interface Translation {
  readonly parameter: string;
  readonly key: string;
  readonly scale: number;
  /** What 0 means to the engine, where pg has another word for it. */
  readonly isZeroNone: boolean;
}

/** `pool_timeout` comes before `connect_timeout`: pg has one limit for both, and the first to be read wins. */
const TRANSLATIONS: readonly Translation[] = [
  { parameter: "connection_limit", key: "max", scale: 1, isZeroNone: true },
  { parameter: "pool_timeout", key: "connectionTimeoutMillis", scale: 1000, isZeroNone: true },
  { parameter: "connect_timeout", key: "connectionTimeoutMillis", scale: 1000, isZeroNone: true },
  {
    parameter: "max_idle_connection_lifetime",
    key: "idleTimeoutMillis",
    scale: 1000,
    isZeroNone: false,
  },
  { parameter: "max_connection_lifetime", key: "maxLifetimeSeconds", scale: 1, isZeroNone: false },
];

/**
 * Takes up the URL parameters that Prisma 6 and older honoured and Prisma 7 ignores in silence
 * (failure P05): the service wrote them and counts on them. The same in every mode. An option of
 * the same meaning wins; the policy is applied afterwards.
 */
export function translateUrl(
  input: AdapterInput,
  paths: ConfigPaths,
): AdapterInput & { readonly changes: readonly SettingChange[] } {
  const { connectionString } = input.config;
  const changes: SettingChange[] = [];
  if (
    typeof connectionString !== "string" ||
    connectionString === "" ||
    connectionString.startsWith("/")
  ) {
    return { ...input, changes };
  }
  const parameters = new Map(
    readConnectionUrl(connectionString).parameters.map(({ name, value }) => [name, value]),
  );
  const options: Record<string, unknown> = {};
  const found: string[] = [];

  const take = (name: string, isTaken: boolean, target: string, from?: string): void => {
    found.push(name);
    const why = isTaken
      ? `Prisma 7 ignores it in the URL; it now stands as ${target}.`
      : `Prisma 7 ignores it in the URL, and ${target} is set otherwise.`;
    changes.push({
      path: paths.url(name),
      ...(from === undefined ? {} : { from }),
      to: undefined,
      why,
      kind: "dropped",
    });
  };

  for (const { parameter, key, scale, isZeroNone } of TRANSLATIONS) {
    const text = parameters.get(parameter);
    if (text === undefined || !/^\d{1,9}$/.test(text) || (isZeroNone && Number(text) === 0))
      continue;
    const isFree = input.config[key] === undefined && options[key] === undefined;
    if (isFree) options[key] = Number(text) * scale;
    take(parameter, isFree, `\`${key}: ${String(options[key] ?? input.config[key])}\``, text);
  }
  const schema = parameters.get("schema");
  const isSchemaFree = input.adapterOptions["schema"] === undefined;
  if (schema) take("schema", isSchemaFree, "the adapter's `schema`");

  return {
    config: copyPoolConfig(input.config, {
      ...options,
      connectionString: withoutParameters(connectionString, found),
    }),
    adapterOptions:
      schema && isSchemaFree ? { ...input.adapterOptions, schema } : input.adapterOptions,
    changes,
  };
}
