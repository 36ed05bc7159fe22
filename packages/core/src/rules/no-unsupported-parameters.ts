import type { Fact, StartupParameter } from "../facts.ts";
import type { Finding } from "../diagnostic.ts";
import { titleOfPooler } from "../pooler.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { readStartupOptions } from "../startup-options.ts";

/** Limits that the policy sends with BEGIN instead, and the keys that they have there. */
const LIMITS: Readonly<Record<string, string>> = {
  statement_timeout: "transaction.statementTimeoutMs",
  lock_timeout: "transaction.lockTimeoutMs",
  idle_in_transaction_session_timeout: "transaction.idleTimeoutMs",
  transaction_timeout: "transaction.timeoutMs",
};

/**
 * A pooler shares server connections that were opened long ago, so that most startup parameters come
 * too late: PgBouncer refuses the connection, or, told to ignore them, drops them without a word.
 */
export const noUnsupportedParameters: Rule = {
  id: "startup/no-unsupported-parameters",
  severity: "error",
  *check({ startupParameters }, context) {
    for (const parameter of startupParameters) yield* judge(parameter, context);
  },
};

function* judge(
  { value: { name, value }, path }: Fact<StartupParameter>,
  context: RuleContext,
): Iterable<Finding> {
  const { has, target } = context;
  const shown = name.toLowerCase();
  const pooler = titleOfPooler(target.pooler);
  if (shown === "options") {
    yield* judgeOptions(value, path, context);
  } else if (has(`ignores-startup-parameter:${name}`)) {
    yield {
      message: `\`${shown}\` goes out in the startup packet, and ${pooler} drops it without a word: it never takes effect.`,
      help: remedy(shown),
      path,
    };
  } else if (!has(`accepts-startup-parameter:${name}`)) {
    yield {
      message: `\`${shown}\` goes out in the startup packet, and ${pooler} refuses the connection.`,
      help: remedy(shown),
      path,
    };
  }
}

/** `options` holds several parameters; each one is judged by itself where the pooler reads them. */
function* judgeOptions(
  text: string,
  path: string,
  { has, target }: RuleContext,
): Iterable<Finding> {
  if (has("applies-any-startup-parameter") || text.trim() === "") return;
  const pooler = titleOfPooler(target.pooler);
  const { parameters, switches } = readStartupOptions(text);
  const dropped = has("ignores-startup-parameter:options");
  const outcome = dropped
    ? "drops it without a word: it never takes effect"
    : "refuses the connection";
  if (!has("parses-options")) {
    yield {
      message: `\`options\` goes out in the startup packet, and ${pooler} ${outcome}.`,
      help:
        parameters.length === 1
          ? remedy(parameters[0]?.name ?? "")
          : "Remove it, and set each parameter where it takes effect.",
      path,
    };
    return;
  }
  for (const { name } of parameters) {
    if (has(`accepts-startup-parameter:${name}`)) continue;
    yield {
      message: `\`options\` carries \`${name}\` in the startup packet, and ${pooler} ${outcome}.`,
      help: remedy(name.toLowerCase()),
      path,
    };
  }
  if (switches.length > 0) {
    yield {
      message: `\`options\` carries switches that are no \`-c name=value\`, and ${pooler} ${outcome}.`,
      help: "Remove them, or use the direct lane.",
      path,
    };
  }
}

function remedy(name: string): string {
  const key = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined;
  if (key !== undefined) return `Move it to \`${key}\`; it is sent with BEGIN as SET LOCAL.`;
  if (name === "search_path") {
    return "Qualify the names with their schema, set it by `ALTER ROLE … SET search_path`, or use the direct lane.";
  }
  if (name === "replication") return "Use the direct lane.";
  if (name === "role" || name === "session_authorization") {
    return "Connect as that role, or use the direct lane.";
  }
  return `Set it by \`ALTER ROLE … SET ${name}\`, or use the direct lane.`;
}
