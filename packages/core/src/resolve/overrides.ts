import type { Environment } from "../env.ts";
import { PolicyError } from "../errors.ts";
import type { Mode } from "../mode.ts";
import type { ResolvedRuleSetting } from "../resolved-policy.ts";
import { placesOf, ruleIds } from "../rules/index.ts";
import { nearest } from "./nearest.ts";
import { quote } from "./problem.ts";

const MODES: readonly Mode[] = ["observe", "enforce", "bypass"];

const LEVELS: Readonly<Record<string, Partial<ResolvedRuleSetting>>> = {
  off: { check: "off", runtime: "off" },
  warn: { check: "warn", runtime: "warn" },
  error: { check: "error" },
  refuse: { runtime: "refuse" },
};

/**
 * The mode of every target during an incident, from `DOORPOLICY_MODE`.
 *
 * @throws PolicyError `policy/invalid` naming the variable and what is allowed.
 */
export function modeFromEnvironment(environment: Environment): Mode | undefined {
  const text = given(environment["DOORPOLICY_MODE"]);
  if (text === undefined) return undefined;
  const mode = MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw invalid("DOORPOLICY_MODE", text, MODES.map((known) => `"${known}"`).join(", "));
}

/**
 * Settings of single rules during an incident, from `DOORPOLICY_RULES=rule=level,…`. `off` and `warn`
 * hold for the check and at run time, `error` for the check, `refuse` at run time; neither for a rule that does
 * not have that place.
 *
 * @throws PolicyError `policy/invalid` naming the variable and what is allowed.
 */
export function rulesFromEnvironment(
  environment: Environment,
): ReadonlyMap<string, Partial<ResolvedRuleSetting>> {
  const settings = new Map<string, Partial<ResolvedRuleSetting>>();
  for (const entry of (environment["DOORPOLICY_RULES"] ?? "").split(",")) {
    if (entry.trim() === "") continue;
    const [rule = "", level = ""] = entry.split("=").map((word) => word.trim());
    const setting = Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined;
    if (setting === undefined) {
      throw invalid(
        "DOORPOLICY_RULES",
        entry.trim(),
        'entries such as "naming/required=warn" with "off", "warn", "error" or "refuse"',
      );
    }
    if (!ruleIds.includes(rule)) {
      const guess = nearest(rule, ruleIds);
      throw invalid(
        "DOORPOLICY_RULES",
        entry.trim(),
        guess === undefined
          ? `the rules ${ruleIds.join(", ")}`
          : `a known rule; did you mean "${guess}"?`,
      );
    }
    const places = placesOf(rule);
    if (level === "error" && !places.check) {
      throw invalid(
        "DOORPOLICY_RULES",
        entry.trim(),
        '"off", "warn" or "refuse": this rule has no check',
      );
    }
    if (level === "refuse" && !places.runtime) {
      throw invalid(
        "DOORPOLICY_RULES",
        entry.trim(),
        '"off", "warn" or "error": this rule is looked for in the check alone',
      );
    }
    settings.set(rule, { ...settings.get(rule), ...setting });
  }
  return settings;
}

function invalid(variable: string, value: string, allowed: string): PolicyError {
  return new PolicyError(
    "policy/invalid",
    `The environment variable ${variable} holds ${quote(value)}; allowed is ${allowed.replace(/([^?])$/u, "$1.")}`,
    { hint: `Correct or unset ${variable}.`, path: `env ${variable}` },
  );
}

function given(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === "" ? undefined : trimmed;
}
