import { CapabilitySet } from "./capability-set.ts";
import type { Capability } from "./capability.ts";
import { PolicyError } from "./errors.ts";
import type { PoolerSettings } from "./policy.ts";
import type { PoolerKind, PoolMode } from "./pooler.ts";
import { PROFILES } from "./poolers/profiles.ts";
import { isAtLeast, isVersion, type Version, versionOf } from "./version.ts";

/** What decides the capabilities of a pooler. */
export interface PoolerTraits {
  readonly kind: PoolerKind;
  /** Unknown means the least capable. */
  readonly version?: string | undefined;
  /** @default "transaction" */
  readonly mode?: PoolMode | undefined;
  readonly settings?: PoolerSettings | undefined;
}

/** Postgres itself, without anything in between. */
const POSTGRES: ReadonlySet<Capability> = new CapabilitySet([
  "session-state",
  "transaction-blocks",
  "tracks-named-statements",
  "tracks-sql-prepare",
  "tracks-deallocate-all",
  "transports-application-name",
  "parses-options",
  "applies-any-startup-parameter",
  "safe-cancel",
  "replication",
  "keeps-empty-name",
  // Measured with 15.20: it reads its input message by message, during the login as afterwards.
  "accepts-pipelined-handshake",
]);

/** Whoever keeps one server connection for as long as it is there keeps what it has prepared, too. */
const OF_SESSION_MODE: readonly Capability[] = [
  "session-state",
  "tracks-named-statements",
  "tracks-sql-prepare",
  "tracks-deallocate-all",
];

/**
 * What a pooler can do, by its kind, version, mode and settings. What is not declared counts as
 * the least capable. `"none"` gives what Postgres itself can do.
 *
 * @throws PolicyError `policy/invalid` when the version is not a version.
 */
export function capabilitiesOf(pooler: PoolerTraits): ReadonlySet<Capability> {
  if (pooler.kind === "none") return POSTGRES;

  const version = readVersion(pooler.version);
  const settings = pooler.settings ?? {};
  const mode = pooler.mode ?? "transaction";
  const { steps, hasIgnoreList = false } = PROFILES[pooler.kind];
  const found = steps
    .filter(
      ({ since = "0.0", when }) =>
        isAtLeast(version, versionOf(since)) && (when === undefined || when({ mode, settings })),
    )
    .map(({ capability }) => capability);

  found.push("pools-connections");
  if (mode === "session") found.push(...OF_SESSION_MODE);
  if (mode !== "statement") found.push("transaction-blocks");
  const ignored = hasIgnoreList ? (settings.ignoreStartupParameters ?? []) : [];
  return new CapabilitySet(withIgnored(found, ignored));
}

/**
 * Takes what the pooler is told to ignore out of what it accepts. In 1.26.1 the list wins over tracking,
 * of `TimeZone` too, and in 1.24.1 tracking wins (measured). A declared version is the oldest there may be, so
 * that the cautious reading holds for all. The list speaks of startup only: what is set later by `SET` stays
 * with its client as without it (measured with 1.24.1 and 1.26.1).
 */
function withIgnored(found: readonly Capability[], names: readonly string[]): Iterable<Capability> {
  const ignored = names.map((name) => name.toLowerCase());
  const lost = new Set(ignored.map((name) => `accepts-startup-parameter:${name}`));
  return [
    ...found.filter((one) => !lost.has(one.toLowerCase())),
    ...ignored.map((name): Capability => `ignores-startup-parameter:${name}`),
  ];
}

function readVersion(text: string | undefined): Version {
  if (text === undefined) return [0, 0, 0];
  if (isVersion(text)) return versionOf(text);
  throw new PolicyError(
    "policy/invalid",
    `The pooler's version is ${JSON.stringify(text)}, which is not a version.`,
    { hint: 'Set `pooler.version` to a text such as "1.24" or "1.26.1".', path: "pooler.version" },
  );
}
