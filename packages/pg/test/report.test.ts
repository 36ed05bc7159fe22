import { subscribe, unsubscribe } from "node:diagnostics_channel";

import type { Policy, Violation } from "@doorpolicy/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { Guard } from "../src/guard.ts";
import { report, VIOLATION_CHANNEL, type ViolationDraft } from "../src/report.ts";
import { currentUnit } from "../src/units/context.ts";
import { unitOfWork } from "../src/units/unit-of-work.ts";
import { laneOf } from "./lanes.ts";
import { eventually } from "./world.ts";

const draft: ViolationDraft = {
  rule: "transaction/left-open",
  action: "rolled-back",
  message: "A connection came back in a transaction.",
  help: "End it.",
};
let warnings: (Error & { code?: string })[] = [];
const onWarning = (warning: Error): number => warnings.push(warning);

beforeEach(() => {
  warnings = [];
  process.on("warning", onWarning);
});
afterEach(() => {
  process.off("warning", onWarning);
});

describe("a violation", () => {
  test("is published on the diagnostics channel and given to the policy, with where it happened", () => {
    const published: unknown[] = [];
    const onMessage = (message: unknown): number => published.push(message);
    subscribe(VIOLATION_CHANNEL, onMessage);
    const seen: Violation[] = [];

    report(draft, laneOf({ mode: "observe", onViolation: (violation) => seen.push(violation) }));
    unsubscribe(VIOLATION_CHANNEL, onMessage);

    expect(seen).toMatchObject([
      {
        ...draft,
        mode: "observe",
        target: "main",
        lane: "pooled",
        connectionName: "billing:deploy@web-1",
      },
    ]);
    expect(Math.abs((seen[0]?.at ?? 0) - Date.now())).toBeLessThan(1_000);
    expect(published).toEqual(seen);
  });

  test("is told outside of the unit that it is about, so that a listener's writes do not join it", async () => {
    const units: unknown[] = [];
    const policy: Policy = { onViolation: () => void units.push(currentUnit()) };

    await unitOfWork(() => report(draft, laneOf(policy)));

    expect(units).toEqual([undefined]);
  });

  test("becomes a warning once for many from one call site, and once for each other call site", async () => {
    const lane = laneOf();

    for (let round = 0; round < 50; round++)
      report({ ...draft, openedBy: "at one (a.ts:1)" }, lane);
    report({ ...draft, openedBy: "at other (b.ts:2)" }, lane);

    await eventually(() => expect(warnings).toHaveLength(2));
    expect(warnings[0]).toMatchObject({
      name: "DoorpolicyViolation",
      code: "transaction/left-open",
      message: "billing:deploy@web-1: A connection came back in a transaction. End it.",
      detail: "at one (a.ts:1)",
    });
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no log today");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no log today"))],
  ])("goes no further when onViolation %s", async (_, onViolation) => {
    report(draft, laneOf({ onViolation }));

    await eventually(() => expect(warnings).toMatchObject([{ code: "DOORPOLICY_ON_VIOLATION" }]));
    expect(warnings[0]?.message).toContain("no log today");
  });
});

describe("what is done about a rule", () => {
  const rule = "transaction/idle";
  const runtime = (level: "off" | "warn" | "refuse"): Policy => ({
    rules: { [rule]: { runtime: level } },
  });

  test.each([
    ["enforce", {}, "act"],
    ["observe", {}, "report"],
    ["bypass", {}, "nothing"],
    ["enforce", runtime("warn"), "report"],
    ["enforce", runtime("off"), "nothing"],
    ["observe", runtime("refuse"), "act"],
    ["bypass", runtime("refuse"), "nothing"],
    ["enforce", { allow: [{ rule, reason: "r" }] }, "report"],
    ["enforce", { allow: [{ rule, match: "nightly", reason: "r" }] }, "report"],
    ["enforce", { allow: [{ rule, match: "hourly", reason: "r" }] }, "act"],
    ["enforce", { allow: [{ rule: "transaction/limits", reason: "r" }] }, "act"],
  ] as const)("in %s with %o: %s", (mode, policy, response) => {
    const guard = new Guard(laneOf({ ...policy, mode }));

    expect(guard.response(rule, "select 1 -- nightly")).toBe(response);
  });
});

describe("a written exception", () => {
  const allow = [{ rule: draft.rule, match: "nightly", reason: "it thinks" }];
  const told = (given: ViolationDraft, text: string): Violation | undefined => {
    const seen: Violation[] = [];
    const guard = new Guard(laneOf({ allow, onViolation: (violation) => seen.push(violation) }));
    guard.report(given, text);
    return seen[0];
  };

  test.each([
    ["would-have", "allowed"],
    ["reported", "allowed"],
    ["closed", "closed"],
    ["rolled-back", "rolled-back"],
  ] as const)("reports %s as %s, with its reason", (action, reported) => {
    const violation = told({ ...draft, action }, "select 1 -- nightly");

    expect(violation).toMatchObject({
      action: reported,
      reason: "it thinks",
      message: "A connection came back in a transaction. Allowed: it thinks.",
    });
  });

  test.each([
    ["what it does not match", "would-have", "select 1 -- hourly"],
    ["what is refused all the same", "refused", "select 1 -- nightly"],
  ] as const)("leaves %s as it is", (_, action, text) => {
    const violation = told({ ...draft, action }, text);

    expect(violation).toMatchObject({ action, message: draft.message });
    expect(violation).not.toHaveProperty("reason");
  });
});
