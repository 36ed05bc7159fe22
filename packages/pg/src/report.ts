import { channel } from "node:diagnostics_channel";

import type { LaneInUse, Violation } from "@doorpolicy/core";

import { now, wallClock } from "./clock.ts";
import { runIn } from "./units/context.ts";

/** The `diagnostics_channel` on which every violation is published, as a `Violation`. */
export const VIOLATION_CHANNEL = "doorpolicy:violation";

/** What a report needs beside what its lane knows. */
export type ViolationDraft = Omit<Violation, "mode" | "target" | "lane" | "connectionName" | "at">;

const violations = channel(VIOLATION_CHANNEL);

/**
 * Tells whoever listens about a violation: the diagnostics channel always, then the policy's
 * `onViolation`, else a process warning. Never throws: it runs inside `release()`. What a subscriber of
 * the channel throws is an uncaught exception of its own, by Node's rule for channels.
 */
export function report(draft: ViolationDraft, { policy, target, lane, mode }: LaneInUse): void {
  const violation: Violation = {
    ...draft,
    mode,
    target: target.name,
    lane,
    connectionName: policy.name.text,
    at: wallClock(),
  };
  violations.publish(violation);
  if (policy.onViolation === undefined) warn(violation);
  else void tell(policy.onViolation, violation);
}

async function tell(listener: (violation: Violation) => void, violation: Violation): Promise<void> {
  try {
    // Outside of every unit: a listener that writes must not write into the transaction it hears about.
    // Typed as returning nothing; an async one is waited for, so that its failure is heard of.
    await runIn(undefined, () => listener(violation));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `onViolation failed, and the violation ${violation.rule} went no further: ${reason}`,
      {
        type: "DoorpolicyWarning",
        code: "DOORPOLICY_ON_VIOLATION",
      },
    );
  }
}

/** One line per rule and call site in this time. */
const QUIET_MS = 60_000;

/** Call sites are remembered up to this many; the oldest is forgotten first. */
const MAX_SITES = 100;

interface Site {
  saidAt: number;
  unsaid: number;
}

const sites = new Map<string, Site>();

function warn(violation: Violation): void {
  const key = `${violation.rule} ${violation.openedBy ?? ""}`;
  const site = sites.get(key);
  const time = now();
  if (site !== undefined && time - site.saidAt < QUIET_MS) {
    site.unsaid += 1;
    return;
  }
  const repeated =
    site === undefined || site.unsaid === 0
      ? ""
      : ` (and ${site.unsaid} times since the last line)`;
  sites.delete(key);
  if (sites.size >= MAX_SITES) sites.delete(sites.keys().next().value ?? "");
  sites.set(key, { saidAt: time, unsaid: 0 });
  process.emitWarning(
    `${violation.connectionName}: ${violation.message}${repeated} ${violation.help}`,
    {
      type: "DoorpolicyViolation",
      code: violation.rule,
      ...(violation.openedBy === undefined ? {} : { detail: violation.openedBy }),
    },
  );
}
