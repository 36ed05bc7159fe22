import {
  type LaneChoice,
  type LaneInUse,
  laneInUse,
  type Policy,
  PolicyError,
  type ResolvedPolicy,
} from "@doorpolicy/core";
import {
  actsOn,
  applyToPoolConfig,
  guardPg,
  resolveForProcess,
  sayChanges,
  type SettingChange,
} from "@doorpolicy/pg";

import { BOOT_KEYS } from "./boot.ts";
import { applicationPg, pgModule } from "./driver.ts";
import { connectsItself, refuseUndecodable, withLaneUrl } from "./lane-url.ts";
import {
  type DataSourceLikeOptions,
  endpointsOf,
  pathsOf,
  poolConfigOf,
  type PostgresOptions,
  withPoolConfig,
} from "./options.ts";
import { postgresOptions } from "./postgres-options.ts";
import { replicaTest } from "./replicas.ts";

/**
 * DataSource options whose connections keep the policy: named, capped, closed when nobody uses them,
 * and never handed on with an open transaction. Give the result to `new DataSource()` or to NestJS'
 * `useFactory`; TypeORM 0.3 and 1.x take it as it is.
 *
 * - `driver` becomes the guarded form of `options.driver`, or of the application's own `pg`.
 *   `nativeDriver` is dropped: no guard sees pg-native.
 * - Without `url`, `host`, `replication` and the like the URL of the policy's lane is used.
 * - `poolSize`, `connectTimeoutMS`, `applicationName`, `extra` and URLs are kept within the policy;
 *   with `replication` those of the primary and of every replica. Inside a `transaction()` what
 *   TypeORM sends to a replica goes to the primary, where the transaction is.
 * - In enforce, `synchronize`, `migrationsRun` and `dropSchema` are refused on a lane that goes
 *   through a pooler: switching them off in silence would start a service on a
 *   schema it does not know. `installExtensions` is switched off, and said.
 * - Everything else stays as it is, keys this package has never heard of included; nothing is mutated.
 *
 * What of the service's own settings is overridden or dropped is said once as a process warning; see
 * {@link changes}. Throws `PolicyError`: `driver/missing`, `driver/native`, `driver/unsupported`,
 * `options/refused`, `startup/refused`, `url/unsupported`, `policy/missing-url`, `policy/unknown-target`,
 * `policy/invalid`.
 */
export function withPolicy<Options extends DataSourceLikeOptions>(
  options: Options,
  policy: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): Options {
  const given = postgresOptions(options);
  const resolved = resolveForProcess(policy);
  const lane = laneInUse(resolved, choice);
  const applied = apply(given, lane);
  sayChanges("typeorm", lane, applied.changes);
  const pg = given.driver === undefined ? applicationPg() : pgModule(given.driver);
  const isReplica = replicaTest(applied.options);
  const driver = guardPg(pg, resolved, choice, {
    hidesLoss: true,
    ...(isReplica && { isReplica }),
  });
  const result: PostgresOptions = { ...applied.options, driver };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what was set or dropped is optional in every options type of TypeORM, so the type that came in still says what goes out.
  return result as Options & PostgresOptions;
}

/**
 * What {@link withPolicy} sets, overrides and drops in these options, each under the user's own key.
 * Holds no secret; loads no driver.
 */
export function changes(
  options: DataSourceLikeOptions,
  policy: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): readonly SettingChange[] {
  return apply(postgresOptions(options), laneInUse(resolveForProcess(policy), choice)).changes;
}

interface AppliedOptions {
  readonly options: PostgresOptions;
  readonly changes: readonly SettingChange[];
}

function apply(given: PostgresOptions, lane: LaneInUse): AppliedOptions {
  // The lane says in its own words which variable is missing; PGHOST is an answer of the environment.
  if (!connectsItself(given) && !process.env["PGHOST"]) lane.url();
  const connection = withLaneUrl(given, lane);
  refuseUndecodable(connection, lane);
  const { options: connected, urlName } = connection;
  const boot = applyToBoot(connected, lane);
  let result = boot.options;
  const found = [...boot.changes];
  for (const index of endpointsOf(result).keys()) {
    const endpoint = endpointsOf(result)[index];
    if (endpoint === undefined) continue;
    const paths = pathsOf(result, endpoint, urlName);
    const { config, changes: more } = applyToPoolConfig(
      poolConfigOf(result, endpoint.credentials),
      lane,
      {
        paths,
        environment: process.env,
      },
    );
    found.push(...more);
    result = withPoolConfig(result, endpoint, config);
  }
  return { options: result, changes: found };
}

const BOOT_RULE = "lanes/no-boot-ddl";

function applyToBoot(given: PostgresOptions, lane: LaneInUse): AppliedOptions {
  const found: SettingChange[] = [];
  const { nativeDriver, ...options } = given;
  if (nativeDriver !== undefined) {
    found.push({
      path: "nativeDriver",
      to: undefined,
      kind: "dropped",
      why: "pg-native would take the connections past the policy.",
    });
  }
  if (!lane.has("pools-connections")) return { options, changes: found };
  for (const key of BOOT_KEYS) {
    if (options[key] === true && actsOn(lane, BOOT_RULE, key)) throw bootRefusal(key);
  }
  if (options.installExtensions === false || !actsOn(lane, BOOT_RULE, "installExtensions"))
    return { options, changes: found };
  found.push({
    path: "installExtensions",
    ...(options.installExtensions === undefined ? {} : { from: options.installExtensions }),
    to: false,
    kind: options.installExtensions === true || options.extensions?.length ? "overridden" : "set",
    why: "extensions are created by a migration on the direct lane and not by every process that starts.",
  });
  return { options: { ...options, installExtensions: false }, changes: found };
}

function bootRefusal(key: (typeof BOOT_KEYS)[number]): PolicyError {
  return new PolicyError(
    "options/refused",
    `\`${key}\` changes the schema through the pooler whenever a process starts, from all replicas at once and without a lock.`,
    {
      path: key,
      hint: `Set \`${key}: false\` and do it on the direct lane, \`{ lane: "direct" }\`, or allow it by the rule \`${BOOT_RULE}\`.`,
    },
  );
}
