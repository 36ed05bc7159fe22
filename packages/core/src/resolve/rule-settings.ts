import { placesOf, ruleIds } from "../rules/index.ts";
import { asCode, invalid, isObject, join, type Problem, quote } from "./problem.ts";

/** What to write for a level in the place that the rule has. */
const AT_RUNTIME: Readonly<Record<string, string>> = { off: "off", warn: "warn", error: "refuse" };
const IN_CHECK: Readonly<Record<string, string>> = { off: "off", warn: "warn", refuse: "error" };

/**
 * Settings of rules that would change nothing: a level of the static check for a rule that holds at run
 * time only, and the other way round. Left out are those whose rule or level is no known one.
 */
export function problemsOfRules(rules: unknown, at: string): readonly Problem[] {
  if (!isObject(rules)) return [];
  return Object.entries(rules).flatMap(([id, setting]) =>
    ruleIds.includes(id) ? problemsOfRule(id, setting, join(at, id)) : [],
  );
}

function problemsOfRule(id: string, setting: unknown, path: string): readonly Problem[] {
  if (Array.isArray(setting)) {
    return [
      invalid(
        path,
        `${asCode(path)} is a list, which sets nothing.`,
        `Write ${asCode('{ runtime: "off" }')} or a level.`,
      ),
    ];
  }
  const { check, runtime } = isObject(setting) ? setting : { check: setting };
  const places = placesOf(id);
  // "Off in both places" means what it says, also where there is only one.
  if (check === "off" && runtime === "off") return [];
  return [
    ...(places.check ? [] : withoutCheck(check, path, isObject(setting), runtime)),
    ...(places.runtime ? [] : withoutRuntime(runtime, join(path, "runtime"), check)),
  ];
}

function withoutCheck(
  level: unknown,
  path: string,
  isKey: boolean,
  runtime: unknown,
): readonly Problem[] {
  const instead = levelIn(AT_RUNTIME, level);
  if (instead === undefined) return [];
  const key = isKey ? join(path, "check") : path;
  const sets = isKey ? "" : ", which sets its check alone";
  return [
    invalid(
      key,
      `${asCode(key)} is ${quote(String(level))}${sets}, and this rule has no check: it holds at run time.`,
      runtime === undefined
        ? `Write ${asCode(`{ runtime: "${instead}" }`)} for the rule.`
        : `Leave ${asCode("check")} out.`,
    ),
  ];
}

function withoutRuntime(level: unknown, key: string, check: unknown): readonly Problem[] {
  const instead = levelIn(IN_CHECK, level);
  if (instead === undefined) return [];
  return [
    invalid(
      key,
      `${asCode(key)} is ${quote(String(level))}, and this rule is looked for in the check alone: at run time it does nothing.`,
      check === undefined
        ? `Write ${asCode(`{ check: "${instead}" }`)} for the rule.`
        : `Leave ${asCode("runtime")} out.`,
    ),
  ];
}

function levelIn(levels: Readonly<Record<string, string>>, level: unknown): string | undefined {
  return typeof level === "string" && Object.hasOwn(levels, level) ? levels[level] : undefined;
}
