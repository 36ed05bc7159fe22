import type { Rule } from "../rule.ts";

/** A setting without effect is worse than none: somebody believes in the limit that it names. */
export const noIgnored: Rule = {
  id: "settings/no-ignored",
  severity: "warn",
  atRuntime: false,
  *check({ client, ignoredSettings }) {
    for (const { value, path } of ignoredSettings) {
      yield {
        message: `\`${value.name}\` has no effect: ${client} accepts it and does nothing with it.`,
        help: value.instead,
        path,
      };
    }
  },
};
