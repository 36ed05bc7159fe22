import { parseName } from "../naming/template.ts";
import type { Rule } from "../rule.ts";

/**
 * A name that is not of the policy's template cannot be sorted by service, user and host by whoever
 * reads `pg_stat_activity` or `SHOW CLIENTS`.
 */
export const template: Rule = {
  id: "naming/template",
  severity: "warn",
  atRuntime: false,
  *check({ applicationName: { value, path } }, { policy }) {
    if (value === undefined || value.trim() === "") return;
    if (parseName(policy.name.template, value) !== undefined) return;
    yield {
      message: `The name ${JSON.stringify(value)} is not of the form \`${policy.name.template}\`, so that nobody can look for its service, user or host.`,
      help: "Remove the name; the policy sets one.",
      path,
    };
  },
};
