import type { Lane } from "./mode.ts";
import type { RecognisedPooler } from "./poolers/recognise.ts";
import type { Contradiction, TlsMode } from "./settings.ts";

/** A value that a client will act on, and the user's own key that it came from. */
export interface Fact<Value> {
  readonly value: Value;
  /**
   * The option as its user wrote it: `extra.statement_timeout`, `url?application_name`,
   * `env PGOPTIONS`. Where nothing was written, the option that would be and whose default holds:
   * `extra.maxUses (default of pg)`, or only `default of pg` where there is no such option.
   */
  readonly path: string;
  /** The user's own key for the setting; absent where there is none, such as for a variable. */
  readonly key?: string;
}

/**
 * How much of the policy holds for a client.
 *
 * - `"guarded"`: pg-based; everything holds.
 * - `"configured"`: engine-based Prisma; name and parameters only.
 * - `"checked"`: only the static check has seen it.
 */
export type Coverage = "guarded" | "configured" | "checked";

/** One parameter of the startup packet. Values that may hold a secret are never taken into facts. */
export interface StartupParameter {
  /** As the server knows it, such as `statement_timeout`; `options` for the command-line form. */
  readonly name: string;
  readonly value: string;
}

/** A setting that the client accepts and does nothing with. */
export interface IgnoredSetting {
  readonly name: string;
  /** One imperative sentence: what to use instead. */
  readonly instead: string;
}

/** What given options will make a client do to the server; the only thing rules read. */
export interface ClientFacts {
  /** Whom a message speaks of, such as `"typeorm"`. Never decides anything. */
  readonly client: string;
  readonly coverage: Coverage;
  /**
   * What puts these options under the policy, as a command without its full stop: "Wrap the options
   * in `withPolicy(options, policy)`". Absent where that is done, or cannot be.
   */
  readonly remedy?: string;
  readonly target: string;
  readonly lane: Lane;
  /** The pooler that the address shows; absent where it is none that a provider documents. */
  readonly recognised?: Fact<RecognisedPooler>;
  readonly applicationName: Fact<string | undefined>;
  /** Most connections open at a time; `Infinity` where unbounded. */
  readonly poolMax: Fact<number>;
  /**
   * How often one connection is handed out before it is closed; `Infinity` where unbounded. 1 is also
   * how the guarded driver is told to keep none: it hands a connection to whoever waits, and closes it
   * when nobody does.
   */
  readonly usesPerConnection: Fact<number>;
  /** How long a caller waits for a connection; `Infinity` where it waits for ever. */
  readonly acquireTimeoutMs: Fact<number>;
  readonly startupParameters: readonly Fact<StartupParameter>[];
  /** Whether statements are given names at protocol level. */
  readonly namedStatements: Fact<boolean>;
  /** A limit after which the client stops waiting while the server goes on; absent where there is none. */
  readonly abandonQueryAfterMs: Fact<number> | undefined;
  /** DDL that the client sends by itself when it starts, such as `synchronize`. */
  readonly bootStatements: readonly Fact<string>[];
  readonly ignoredSettings: readonly Fact<IgnoredSetting>[];
  /** Settings without effect because another one says otherwise; each under its own key. @default [] */
  readonly contradictions?: readonly Fact<Contradiction>[];
  /** The TLS mode, where one is written as a word. */
  readonly tlsMode?: Fact<TlsMode>;
  /** Whether the JavaScript driver would be replaced by the native one, which no guard sees. */
  readonly nativeDriver: Fact<boolean>;
}
