import type { Rule } from "../rule.ts";

/**
 * What a client sends by itself when it starts is sent by every instance of every deployment, at the
 * same moment, through server connections that others share. Schema changes need one connection of
 * their own, and the lock that migrations take must not be left on a stranger's.
 */
export const noBootDdl: Rule = {
  id: "lanes/no-boot-ddl",
  severity: "error",
  atRuntime: true,
  *check({ bootStatements }, { has }) {
    if (!has("pools-connections")) return;
    for (const { value, path } of bootStatements) {
      yield {
        message: `${value} runs through the pooler whenever an instance starts, at the same time as in all the others.`,
        help: "Remove it here, and run it once per deployment on the direct lane.",
        path,
      };
    }
  },
};
