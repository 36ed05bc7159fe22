import type { IsolationLevel } from "@doorpolicy/core";

import type { BlockLimits } from "../connection/limits.ts";
import type { SqlKey } from "../direct/advisory-key.ts";
import { keepBytes } from "./command-bytes.ts";
import { type CheckedTransactionOptions, limitsOfOptions } from "./options.ts";
import { setConfigCommand, type Settings } from "./settings.ts";
import type { Command } from "./wire-batch.ts";

/** How strong a level is; Postgres runs the first two alike. */
const STRENGTH: Readonly<Record<IsolationLevel, number>> = {
  "read uncommitted": 0,
  "read committed": 0,
  "repeatable read": 1,
  serializable: 2,
};

/**
 * True when a level asks for more than the transaction around it gives. An outer one without a level
 * of its own is taken for what Postgres begins with unless told otherwise.
 */
export function isStronger(
  inner: IsolationLevel | undefined,
  outer: IsolationLevel | undefined,
): boolean {
  return STRENGTH[inner ?? "read committed"] > STRENGTH[outer ?? "read committed"];
}

/** BEGIN with its modes, then everything that holds for the block in one query with bound values. */
export function beginCommands(
  { isolation, readOnly }: Pick<CheckedTransactionOptions, "isolation" | "readOnly">,
  limits: Settings,
  settings: Settings,
): readonly Command[] {
  const modes = [
    ...(isolation === undefined ? [] : [`ISOLATION LEVEL ${isolation.toUpperCase()}`]),
    ...(readOnly === true ? ["READ ONLY"] : []),
  ];
  const begin = ["BEGIN", modes.join(", ")].filter(Boolean).join(" ");
  return [{ text: begin }, ...setConfigCommand({ ...limits, ...settings })];
}

/** What opens a transaction, and what holds for it. */
export interface Opening {
  readonly commands: readonly Command[];
  readonly limits: BlockLimits;
}

const BEGIN: readonly Command[] = keepBytes([{ text: "BEGIN" }]);

/** By the limits of a connection, which nearly every transaction on it begins with. */
const usual = new WeakMap<BlockLimits, Opening>();

/** `isTold`: whether the server hears of the limits that the transaction does not set itself. */
export function openingOf(
  options: CheckedTransactionOptions,
  limits: BlockLimits,
  isTold: boolean,
): Opening {
  const { isolation, readOnly, setLocal, advisoryLock } = options;
  const explicit = limitsOfOptions(options);
  const isUsual = isolation === undefined && !readOnly && setLocal === undefined;
  if (isUsual && explicit === undefined && advisoryLock === undefined) {
    return isTold ? usualOpening(limits) : { commands: BEGIN, limits };
  }
  const own = explicit === undefined ? limits : withExplicit(limits, explicit);
  const told = { ...(isTold ? serverLimits(own) : {}), ...explicitLimits(explicit ?? {}) };
  const begin = beginCommands(options, told, setLocal ?? {});
  // Behind the limits: its own is `lock_timeout`.
  const lock = advisoryLock === undefined ? [] : [lockCommand(advisoryLock)];
  return { commands: [...begin, ...lock], limits: own };
}

function lockCommand({ placeholders, values }: SqlKey): Command {
  return { text: `select pg_advisory_xact_lock(${placeholders})`, values: [...values] };
}

function usualOpening(limits: BlockLimits): Opening {
  let opening = usual.get(limits);
  if (opening === undefined) {
    opening = { commands: keepBytes(beginCommands({}, serverLimits(limits), {})), limits };
    usual.set(limits, opening);
  }
  return opening;
}

/** The limits that the server is told; 0 is not sent: the role's own stay. */
export function serverLimits(limits: BlockLimits): Settings {
  const settings: readonly (readonly [string, number])[] = [
    ["idle_in_transaction_session_timeout", limits.serverIdleTimeoutMs],
    ["statement_timeout", limits.statementTimeoutMs],
    ["lock_timeout", limits.lockTimeoutMs],
  ];
  return Object.fromEntries(
    settings
      .filter(([, milliseconds]) => milliseconds > 0)
      .map(([name, milliseconds]) => [name, String(Math.floor(milliseconds))]),
  );
}

/** The limits of a connection with those that a transaction sets itself. */
function withExplicit(
  limits: BlockLimits,
  explicit: Readonly<Partial<Record<string, number>>>,
): BlockLimits {
  const { idleTimeoutMs } = explicit;
  return {
    ...limits,
    ...explicit,
    // The guard acts first: 20 % and at least a second above it.
    ...(idleTimeoutMs === undefined
      ? {}
      : {
          serverIdleTimeoutMs:
            idleTimeoutMs === 0
              ? 0
              : Math.max(Math.ceil(idleTimeoutMs * 1.2), idleTimeoutMs + 1000),
        }),
  };
}

/** What a transaction sets itself is sent in every mode, 0 as well: it may undo a limit of the role. */
function explicitLimits({
  statementTimeoutMs,
  lockTimeoutMs,
}: Readonly<Partial<Record<string, number>>>): Readonly<Record<string, string>> {
  return {
    ...(statementTimeoutMs === undefined ? {} : { statement_timeout: String(statementTimeoutMs) }),
    ...(lockTimeoutMs === undefined ? {} : { lock_timeout: String(lockTimeoutMs) }),
  };
}
