import type { PrismaPgConstructor } from "./prisma-pg.ts";

/** What `PrismaPg` takes as its second argument. What is not named here passes through. */
export interface AdapterOptions {
  /** Qualifies the names in Prisma's own SQL; sets no `search_path`. */
  readonly schema?: string;
  /** Refused: the guarded pool ends with `$disconnect()` by itself. */
  readonly disposeExternalPool?: boolean;
  readonly onPoolError?: (error: Error) => void;
  readonly onConnectionError?: (error: Error) => void;
  /** Refused in enforce where the pooler does not track named statements. */
  readonly statementNameGenerator?: (query: never) => string;
  readonly userDefinedTypeParser?: (
    oid: number,
    value: unknown,
    adapter: never,
  ) => Promise<unknown>;
}

type LogLevel = "info" | "query" | "warn" | "error";

/**
 * Options of `new PrismaClient()`, with what is needed to connect. The first group is ours and is
 * taken out of the result; everything else passes through as it is.
 */
export interface PrismaPolicyOptions {
  /**
   * Where to connect.
   *
   * @default the URL of the policy's lane
   */
  readonly connectionString?: string | undefined;
  /** The same as `connectionString`. */
  readonly url?: string | undefined;
  /** A `pg.PoolConfig` instead of a URL, or beside one. */
  readonly connection?: object | undefined;
  readonly adapterOptions?: AdapterOptions | undefined;
  /**
   * The class `PrismaPg`, where a bundler hides the package from `require`.
   *
   * @default that of the application's own `@prisma/adapter-pg`
   */
  readonly PrismaPg?: PrismaPgConstructor | undefined;

  /** A `PrismaPg` that the service made: its settings and its own `pg` are used, under the policy. */
  readonly adapter?: object | null | undefined;
  /** `maxWait` and `timeout` in milliseconds. What the service sets stays, unless the policy enforces it. */
  readonly transactionOptions?:
    | {
        readonly maxWait?: number;
        readonly timeout?: number;
        readonly isolationLevel?:
          | "ReadUncommitted"
          | "ReadCommitted"
          | "RepeatableRead"
          | "Serializable";
      }
    | undefined;
  // Named here only so that literals keep their types on the way through.
  readonly log?: (LogLevel | { readonly level: LogLevel; readonly emit: "stdout" | "event" })[];
  readonly errorFormat?: "pretty" | "colorless" | "minimal";
  readonly omit?: Readonly<
    Record<string, Readonly<Record<string, boolean | undefined>> | undefined>
  >;
}

/** Keys of {@link PrismaPolicyOptions} that PrismaClient does not know. */
export const OWN_KEYS = [
  "connectionString",
  "url",
  "connection",
  "adapterOptions",
  "PrismaPg",
] as const;

/** One of the keys that are ours. */
export type OwnKey = (typeof OWN_KEYS)[number];

/** True for a key that is ours. */
export function isOwnKey(key: string): key is OwnKey {
  return OWN_KEYS.some((own) => own === key);
}
