import { type Environment, type LaneInUse, PolicyError } from "@doorpolicy/core";
import {
  type ConfigPaths,
  copyPoolConfig,
  hasConnection,
  laneConnection,
  type SettingChange,
} from "@doorpolicy/pg";

import { planOf } from "./guarded-adapter.ts";
import { OWN_KEYS, type PrismaPolicyOptions } from "./options.ts";
import { type PrismaPgConstructor, readPrismaPg } from "./prisma-pg.ts";
import type { AdapterInput } from "./translate.ts";

/** What a `PrismaPg` is to be made of, and how its user calls the parts. */
export interface ConnectionSource extends AdapterInput {
  readonly PrismaPg: PrismaPgConstructor | undefined;
  readonly paths: ConfigPaths;
  /** What the adapter's own options are called: `adapterOptions`, or `adapter`. */
  readonly optionsPath: string;
  readonly changes: readonly SettingChange[];
}

/** Keys of PrismaClient that choose another way to the database than a driver adapter. */
const OTHER_WAYS: Readonly<Record<string, string>> = {
  datasourceUrl:
    "Move it to `connectionString`, or pass `datasourceUrl(policy)` to a client without an adapter.",
  datasources:
    "Move its URL to `connectionString`, or pass `datasourceUrl(policy)` to a client without an adapter.",
  accelerateUrl: "Remove it; Accelerate is a pooler of its own.",
};

/**
 * Where the options say to connect: by an adapter that the service made, by our own keys, else by
 * the URL of the policy's lane. Throws `PolicyError` `options/refused` where they contradict themselves.
 */
export function sourceOf(
  options: PrismaPolicyOptions,
  lane: LaneInUse | undefined,
  environment: Environment,
): ConnectionSource {
  for (const [key, hint] of Object.entries(OTHER_WAYS)) {
    if (Reflect.get(options, key) !== undefined) {
      throw refusal(`\`${key}\` and a driver adapter exclude each other.`, key, hint);
    }
  }
  return options.adapter
    ? fromAdapter(options, options.adapter)
    : fromKeys(options, lane, environment);
}

function fromAdapter(options: PrismaPolicyOptions, adapter: object): ConnectionSource {
  const second = OWN_KEYS.find((key) => options[key] !== undefined);
  if (second !== undefined) {
    throw refusal(
      `\`${second}\` and \`adapter\` both say how to connect.`,
      second,
      "Give one of them.",
    );
  }
  const plan = planOf(adapter);
  const { PrismaPg, config, adapterOptions, isPool } = plan
    ? { ...plan, isPool: false }
    : readPrismaPg(adapter);
  const replaced: SettingChange = {
    path: "adapter",
    to: undefined,
    kind: "dropped",
    why: "the pool that PrismaPg was given is not used; a guarded one with its settings takes its place.",
  };
  return {
    PrismaPg,
    config: copyPoolConfig(config),
    adapterOptions: { ...adapterOptions },
    paths: {
      option: (key) => `adapter.${key}`,
      url: (parameter) => `adapter.connectionString?${parameter}`,
    },
    optionsPath: "adapter",
    changes: isPool ? [replaced] : [],
  };
}

function fromKeys(
  options: PrismaPolicyOptions,
  lane: LaneInUse | undefined,
  environment: Environment,
): ConnectionSource {
  const { connectionString, url, connection = {}, adapterOptions = {}, PrismaPg } = options;
  if (connectionString !== undefined && url !== undefined) {
    throw refusal(
      "`url` and `connectionString` both say where to connect.",
      "url",
      "Give one of them.",
    );
  }
  const own = connectionString ?? url;
  const ownName = url === undefined ? "connectionString" : "url";
  const isOwn = own !== undefined || hasConnection(connection);
  // The lane says in its own words which variable is missing; PGHOST is an answer of the environment.
  if (!isOwn && lane !== undefined && !environment["PGHOST"]) lane.url();
  const ofLane = isOwn || lane === undefined ? undefined : laneConnection(lane);
  const text = own ?? ofLane?.connectionString;
  const urlName = own === undefined ? (ofLane?.from ?? "connection.connectionString") : ownName;
  return {
    PrismaPg,
    config: copyPoolConfig(connection, text === undefined ? {} : { connectionString: text }),
    adapterOptions: { ...adapterOptions },
    paths: {
      option: (key) => `connection.${key}`,
      url: (parameter) => `${urlName}?${parameter}`,
    },
    optionsPath: "adapterOptions",
    changes: [],
  };
}

function refusal(message: string, path: string, hint: string): PolicyError {
  return new PolicyError("options/refused", message, { path, hint });
}
