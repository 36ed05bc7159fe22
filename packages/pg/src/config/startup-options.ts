import { readStartupOptions } from "@doorpolicy/core";

import type { HandedLimits } from "./pool-config.ts";

/** One `name=value` of the `options` startup parameter. */
export interface StartupSetting {
  readonly name: string;
  readonly value: string;
}

/** Server limits that can travel with BEGIN instead of the startup packet. */
export const LIMIT_PARAMETERS: Readonly<Record<string, keyof HandedLimits>> = {
  statement_timeout: "statementTimeoutMs",
  lock_timeout: "lockTimeoutMs",
  idle_in_transaction_session_timeout: "serverIdleTimeoutMs",
};

/** The policy's key that each limit overrides; one that is enforced stays the policy's. */
export const LIMIT_POLICY_KEYS: Readonly<Record<keyof HandedLimits, string>> = {
  statementTimeoutMs: "transaction.statementTimeoutMs",
  lockTimeoutMs: "transaction.lockTimeoutMs",
  serverIdleTimeoutMs: "transaction.idleTimeoutMs",
};

/**
 * Reads the command-line form that `options` and PGOPTIONS have: `-c name=value` and `--name=value`,
 * blanks escaped by a backslash. `undefined` where it holds anything else, such as `-B 100`.
 */
export function parseStartupOptions(text: string): readonly StartupSetting[] | undefined {
  const { parameters, switches } = readStartupOptions(text);
  if (switches.length > 0) return undefined;
  return parameters.map(({ name, value }) => ({ name: name.toLowerCase(), value }));
}

/** The text that {@link parseStartupOptions} reads as these settings. */
export function formatStartupOptions(settings: readonly StartupSetting[]): string {
  return settings
    .map(({ name, value }) => `-c ${name}=${value.replaceAll(/[\\\s]/g, String.raw`\$&`)}`)
    .join(" ");
}

const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  "": 1,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A limit as the server reads it from `options`, in milliseconds; without a unit the number is
 * milliseconds. `undefined` where the server would refuse it.
 */
export function limitFromServerText(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** A limit as pg sends it, `String(parseInt(value, 10))`: milliseconds, so `"5s"` becomes 5 ms. */
export function limitFromPgValue(value: unknown): number | undefined {
  const number = Number.parseInt(String(value), 10);
  return Number.isNaN(number) || number < 0 ? undefined : number;
}
