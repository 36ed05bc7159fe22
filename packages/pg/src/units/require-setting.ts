import { PolicyError, scrubStatement } from "@doorpolicy/core";

import type { PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf } from "../driver/query-forms.ts";
import type { Guard } from "../guard.ts";
import type { Settings } from "./settings.ts";
import { isTableless } from "./tableless.ts";

const RULE = "unit/required-setting";

/**
 * What is wrong with a statement that goes out with these settings of its unit, where its target
 * requires some (`targets.*.requireSetting`). `undefined` where nothing is, and where the rule only
 * reports.
 *
 * An empty value counts as none: a server connection on which a setting was used before answers `''`
 * for it, so that a policy cannot tell one from the other.
 */
export function missingSetting(
  guard: Guard,
  settings: Settings | undefined,
  config: unknown,
  Query: PgQueryConstructor,
): PolicyError | undefined {
  const { target, lane } = guard.lane;
  // What runs on the direct lane, migrations and locks, is everybody's.
  if (target.requireSetting.length === 0 || lane === "direct") return undefined;
  const missing = target.requireSetting.filter((name) => !settings?.[name]);
  if (missing.length === 0) return undefined;
  // Of a query object that nobody knows the text is not known either: it may be anything.
  const text = controlTextOf(config, Query);
  if (text !== undefined && isTableless(text)) return undefined;
  const response = guard.response(RULE, text);
  if (response === "nothing") return undefined;
  const isRefused = response === "act";
  const statement = text === undefined ? {} : { statement: scrubStatement(text) };
  const message = `A statement for target \`${target.name}\` came without ${missing.map((name) => `\`${name}\``).join(", ")}, so that no row-level policy can tell whose rows it may touch${isRefused ? "; it was not sent" : ""}.`;
  const help = `Run it in \`unitOfWork({ setLocal: { "${missing[0]}": … } }, fn)\`, or, where it is for everybody, in \`allowing("${RULE}", reason, fn)\`.`;
  const action = isRefused ? "refused" : "would-have";
  guard.report({ rule: RULE, action, message, help, ...statement }, text);
  return isRefused ? new PolicyError(RULE, message, { hint: help }) : undefined;
}
