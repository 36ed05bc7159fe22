import type { Rule } from "../rule.ts";
import { helpOf } from "../help.ts";

/**
 * Behind a pooler every connection comes from the pooler's address, so that a connection without a
 * name cannot be traced to anybody. Before PgBouncer 1.22 it even shows the name of whoever used the
 * server connection before it (measured on 1.18).
 */
export const required: Rule = {
  id: "naming/required",
  severity: "error",
  atRuntime: false,
  *check({ applicationName: { value, path, key }, remedy }, { has, policy }) {
    if (value !== undefined && value.trim() !== "") return;
    yield {
      message: has("keeps-empty-name")
        ? "Its connections have no name, so that nobody at the database can tell whose they are."
        : "Its connections have no name, and the pooler shows them under the name of another client.",
      help:
        remedy === undefined
          ? "Set an `application_name` by connecting through the policy."
          : helpOf(
              remedy,
              `Set \`${key ?? "application_name"}\` to a name of the form \`${policy.name.template}\`.`,
            ),
      path,
    };
  },
};
