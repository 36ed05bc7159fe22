import { type IsolationLevel, PolicyError } from "@doorpolicy/core";

import { type AdvisoryKey, type SqlKey, sqlKeyOf } from "../direct/advisory-key.ts";
import { checkedSettings, type Settings, type SettingsInput } from "./settings.ts";

/** What `unitOfWork()` takes. */
export interface UnitOptions {
  /** A name for messages and reports, such as `"GET /invoices"`. */
  readonly label?: string;
  /**
   * Settings that hold for every statement of the unit, as `set_config(…, true)`: a tenant for row-level
   * policies, a `search_path`. Values are bound, never part of a text. A statement outside a transaction
   * travels with them as a transaction of its own, in one message; no transaction is held in between.
   */
  readonly setLocal?: SettingsInput;
}

/** What a `transaction()` in a `transaction()` is. */
export type Propagation =
  /** A savepoint: the inner one can fail and be caught, and the outer one goes on. */
  | "savepoint"
  /** A part of the outer one. If its function fails, the outer one is rolled back, caught or not. */
  | "join"
  /** A transaction of its own on a second connection. Needs a lock limit, and a connection that is free. */
  | "new";

/** When a transaction that failed is run again, as a whole. */
export interface RetryOptions {
  /** Most runs in all, the first one included. @default 3 */
  readonly attempts?: number;
  /** Longest wait before the second run, in milliseconds; doubled for each further one, and jittered. @default 50 */
  readonly delayMs?: number;
}

/**
 * What `transaction()` takes. Limits are in milliseconds; left out, they are the policy's; 0 means none.
 *
 * Of an inner `transaction()` that is no `"new"` one, `label`, `propagation`, `signal` and `autosave` have
 * an effect, and `isolation`, `readOnly`, `target`, `setLocal` and `advisoryLock` are held against the outermost one's.
 * Limits, `retry` and `otherTargets` are the outermost one's, so that a function can be called by itself
 * and as a part of something larger.
 */
export interface TransactionOptions extends UnitOptions {
  /** The only target that its statements may go to. @default that of its first statement */
  readonly target?: string;
  /** @default the server's own default, nearly always "read committed" */
  readonly isolation?: IsolationLevel;
  /** @default false */
  readonly readOnly?: boolean;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly timeoutMs?: number;
  /**
   * An advisory lock that is taken with BEGIN and free when the transaction is stored or rolled back:
   * `pg_advisory_xact_lock`. It needs no connection of its own and works through every pooler. Waiting
   * for it is bounded by `lockTimeoutMs`, and holds the connection. With `"repeatable read"` and
   * `"serializable"` the snapshot is older than the lock.
   *
   * Of an inner one it is refused, unless the outermost has the very lock. So is one that a
   * `withAdvisoryLock()` around it holds in the same database, with the first statement: it would wait for itself.
   *
   * @default none
   */
  readonly advisoryLock?: AdvisoryKey;
  /** Aborted, it cancels what runs, rolls back and rejects with the signal's reason, at once. */
  readonly signal?: AbortSignal;
  /**
   * Runs the function again after a serialization failure (40001) or a deadlock (40P01). A number is
   * `attempts`. Only of the outermost. What the function does beside the database happens again, too.
   *
   * @default off
   */
  readonly retry?: number | RetryOptions;
  /**
   * `"statement"` puts a savepoint around each statement, so that one that fails does not end the
   * transaction. More than 64 of them that write make every reader slower.
   *
   * @default "off"
   */
  readonly autosave?: "off" | "statement";
  /** @default "savepoint" */
  readonly propagation?: Propagation;
  /**
   * What happens to a statement to another target: `"refuse"` it, or let it run as outside of any
   * transaction.
   *
   * @default "refuse"
   */
  readonly otherTargets?: "refuse" | "independent";
}

/** Checked options of a unit. */
export interface CheckedUnitOptions extends Omit<UnitOptions, "setLocal"> {
  readonly setLocal?: Settings;
}

/** Checked options of a transaction. */
export interface CheckedTransactionOptions extends Omit<
  TransactionOptions,
  "setLocal" | "retry" | "advisoryLock"
> {
  readonly setLocal?: Settings;
  readonly advisoryLock?: SqlKey;
  readonly retry?: Required<RetryOptions>;
}

/** Of a unit that was given its function alone: there is nothing to check. */
export const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze({});

const ISOLATION: readonly string[] = [
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
] satisfies readonly IsolationLevel[];

const LIMITS = ["statementTimeoutMs", "lockTimeoutMs", "idleTimeoutMs", "timeoutMs"] as const;

/** What each key takes; said in the message when it got something else. */
const KEYS: Readonly<Record<keyof TransactionOptions, (value: unknown) => string | undefined>> = {
  label: (value) => (typeof value === "string" ? undefined : "a text"),
  setLocal: () => undefined,
  target: (value) => (typeof value === "string" ? undefined : "the name of a target"),
  isolation: oneOf(ISOLATION),
  readOnly: (value) => (typeof value === "boolean" ? undefined : "true or false"),
  statementTimeoutMs: milliseconds,
  lockTimeoutMs: milliseconds,
  idleTimeoutMs: milliseconds,
  timeoutMs: milliseconds,
  advisoryLock: () => undefined,
  signal: (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal"),
  retry: retryProblem,
  autosave: oneOf(["off", "statement"]),
  propagation: oneOf(["savepoint", "join", "new"]),
  otherTargets: oneOf(["refuse", "independent"]),
};

const UNIT_KEYS: readonly string[] = ["label", "setLocal"] satisfies (keyof UnitOptions)[];

/** @throws PolicyError `unit/invalid` naming the key, its value and what is allowed. */
export function checkedUnitOptions(given: UnitOptions): CheckedUnitOptions {
  if (given === NO_OPTIONS) return NO_OPTIONS;
  const { label } = checked("unitOfWork", given, UNIT_KEYS);
  const setLocal = checkedSettings(given.setLocal);
  return {
    ...(label === undefined ? {} : { label }),
    ...(setLocal === undefined ? {} : { setLocal }),
  };
}

/** @throws PolicyError `unit/invalid` naming the key, its value and what is allowed. */
export function checkedTransactionOptions(given: TransactionOptions): CheckedTransactionOptions {
  if (given === NO_OPTIONS) return NO_OPTIONS;
  const {
    setLocal: input,
    retry,
    advisoryLock,
    ...rest
  } = checked("transaction", given, Object.keys(KEYS));
  const setLocal = checkedSettings(input);
  return {
    ...rest,
    ...(setLocal === undefined ? {} : { setLocal }),
    ...(retry === undefined ? {} : { retry: completeRetry(retry) }),
    ...(advisoryLock === undefined ? {} : { advisoryLock: sqlKeyOf(advisoryLock) }),
  };
}

function completeRetry(retry: number | RetryOptions): Required<RetryOptions> {
  const { attempts = 3, delayMs = 50 } = typeof retry === "number" ? { attempts: retry } : retry;
  return { attempts, delayMs };
}

function checked(
  name: string,
  given: TransactionOptions,
  allowed: readonly string[],
): TransactionOptions {
  if (typeof given !== "object" || given === null) {
    throw invalid(
      name,
      `The options of \`${name}()\` are no object.`,
      "Pass an object, or the function alone.",
    );
  }
  for (const [key, value] of Object.entries(given)) {
    if (!allowed.includes(key) || !isKey(key)) {
      const keys = allowed.map((one) => `\`${one}\``).join(", ");
      throw invalid(key, `\`${key}\` is no option of \`${name}()\`.`, `Use one of ${keys}.`);
    }
    const wanted = value === undefined ? undefined : KEYS[key](value);
    if (wanted !== undefined) {
      throw invalid(
        key,
        `\`${key}\` is ${shown(value)}; allowed is ${wanted}.`,
        `Set \`${key}\` to ${wanted}, or leave it out.`,
      );
    }
  }
  // A key that is there and undefined is one that was left out.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function isKey(key: string): key is keyof TransactionOptions {
  return Object.hasOwn(KEYS, key);
}

function milliseconds(value: unknown): string | undefined {
  return isWhole(value, 0) ? undefined : "a whole number of milliseconds from 0 (none)";
}

function retryProblem(value: unknown): string | undefined {
  const wanted = "a number of runs from 1, or an object with `attempts` and `delayMs`";
  if (typeof value === "number") return isWhole(value, 1) ? undefined : wanted;
  if (typeof value !== "object" || value === null) return wanted;
  const { attempts = 1, delayMs = 0, ...others }: Record<string, unknown> = { ...value };
  const isRight = isWhole(attempts, 1) && isWhole(delayMs, 0) && Object.keys(others).length === 0;
  return isRight ? undefined : wanted;
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= 2_147_483_647;
}

function oneOf(allowed: readonly string[]): (value: unknown) => string | undefined {
  const wanted = allowed.map((one) => `"${one}"`).join(", ");
  return (value) => (typeof value === "string" && allowed.includes(value) ? undefined : wanted);
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 80)}"`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return value === null ? "null" : `of type ${typeof value}`;
}

function invalid(path: string, message: string, hint: string): PolicyError {
  return new PolicyError("unit/invalid", message, { path, hint });
}

/** The limits that a transaction sets itself; `undefined` where it sets none. */
export function limitsOfOptions(
  options: CheckedTransactionOptions,
): Readonly<Partial<Record<(typeof LIMITS)[number], number>>> | undefined {
  const own = LIMITS.filter((key) => options[key] !== undefined);
  return own.length === 0 ? undefined : Object.fromEntries(own.map((key) => [key, options[key]]));
}
