import { TestbedError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { PoolerOptions, PostgresOptions, TestbedOptions } from "./options.ts";

/** Every key of a type, written once each: the compiler says which one is missing or too much. */
type KeysOf<Options> = Readonly<Record<keyof Options, true>>;

const POSTGRES: KeysOf<PostgresOptions> = {
  version: true,
  bin: true,
  url: true,
  settings: true,
  port: true,
};

const POOLER: KeysOf<PoolerOptions> = {
  kind: true,
  version: true,
  bin: true,
  url: true,
  sessionUrl: true,
  adminUrl: true,
  settings: true,
  port: true,
};

const TESTBED: KeysOf<TestbedOptions> = {
  allowDownload: true,
  allowSystemPackages: true,
  cacheDir: true,
  onProgress: true,
  signal: true,
  postgres: true,
  pooler: true,
  poolMode: true,
  poolSize: true,
  auth: true,
  tls: true,
  database: true,
  databases: true,
  user: true,
  password: true,
  users: true,
};

/**
 * Refuses keys that mean nothing, which JavaScript and objects put together elsewhere let through:
 * with `verison` ignored, a test would run against another server than it says.
 *
 * Throws `testbed/invalid-option`, which names the key and the nearest known one, and no value.
 */
export function refuseUnknownKeys(options: TestbedOptions): void {
  refuse("", options, TESTBED);
  refuse("postgres.", options.postgres ?? {}, POSTGRES);
  if (options.pooler !== false) refuse("pooler.", options.pooler ?? {}, POOLER);
}

function refuse(place: string, given: object, known: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return;
  const guess = nearest(unknown, Object.keys(known));
  const says = `\`${place}${unknown}\` is not an option of the testbed`;
  throw new TestbedError(
    "testbed/invalid-option",
    guess === undefined
      ? `${says}; known here: ${Object.keys(known).join(", ")}.`
      : `${says}; did you mean \`${place}${guess}\`?`,
    guess === undefined
      ? `Remove \`${place}${unknown}\`.`
      : `Write \`${place}${guess}\` instead of \`${place}${unknown}\`.`,
  );
}
