import type { Fact, StartupParameter } from "../facts.ts";
import type { Finding } from "../diagnostic.ts";
import { titleOfPooler } from "../pooler.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { hidesTexts } from "../sql/reading.ts";
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
 * too late: PgBouncer refuses the connection, or, told to ignore them, drops them without a word. Of some
 * poolers it is not known which of the two they do.
 */
export const noUnsupportedParameters: Rule = {
  id: "startup/no-unsupported-parameters",
  severity: "error",
  atRuntime: true,
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
  if (shown === "options") {
    yield* judgeOptions(value, path, context);
  } else if (!has("session-state") && hidesTexts(name, value)) {
    yield hiding(shown, path);
  } else if (
    has(`ignores-startup-parameter:${name}`) ||
    !has(`accepts-startup-parameter:${name}`)
  ) {
    yield {
      message: `\`${shown}\` goes out in the startup packet, and ${titleOfPooler(target.pooler)} ${outcomeOf(shown, has)}.`,
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
  if (!has("parses-options")) {
    yield {
      message: `\`options\` goes out in the startup packet, and ${pooler} ${outcomeOf("options", has)}.`,
      help:
        parameters.length === 1
          ? remedy(parameters[0]?.name ?? "")
          : "Remove it, and set each parameter where it takes effect.",
      path,
    };
    return;
  }
  for (const { name, value } of parameters) {
    if (!has("session-state") && hidesTexts(name, value)) {
      yield hiding(name.toLowerCase(), path);
      continue;
    }
    if (has(`accepts-startup-parameter:${name}`)) continue;
    yield {
      message: `\`options\` carries \`${name}\` in the startup packet, and ${pooler} ${outcomeOf(name, has, "options")}.`,
      help: remedy(name.toLowerCase()),
      path,
    };
  }
  if (switches.length > 0) {
    yield {
      message: `\`options\` carries switches that are no \`-c name=value\`, and ${pooler} ${outcomeOf("options", has)}.`,
      help: "Remove them, or use the direct lane.",
      path,
    };
  }
}

/** What the pooler takes, and what blinds the judging of statements. */
function hiding(name: string, path: string): Finding {
  return {
    message: `\`${name}\` goes out in the startup packet, and the server reads strings otherwise with it than statements are judged.`,
    help: "Remove it, and write a string with escapes as `E'…'` or bind it.",
    path,
  };
}

const DROPS = "drops it without a word: it never takes effect";

/**
 * What the pooler does with a parameter that it does not accept. Told to ignore a name, PgBouncer 1.20 and later
 * drops it inside of `options` as well (pgbouncer/pgbouncer#907; measured with 1.24.1 and 1.26.1), and told to
 * ignore `options`, all in it.
 */
function outcomeOf(name: string, has: RuleContext["has"], carrier: string = name): string {
  if ([name, carrier].some((one) => has(`ignores-startup-parameter:${one}`))) return DROPS;
  if (has("ignores-other-startup-parameters")) return DROPS;
  return has("refuses-other-startup-parameters")
    ? "refuses the connection"
    : "refuses the connection or drops the setting";
}

function remedy(written: string): string {
  const name = written.toLowerCase();
  const key = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined;
  if (key !== undefined) return `Move it to \`${key}\`; it is sent with BEGIN as SET LOCAL.`;
  if (name === "search_path") {
    return "Qualify the names with their schema, set it by `ALTER ROLE … SET search_path`, or use the direct lane.";
  }
  if (name === "replication") return "Use the direct lane.";
  if (name === "role" || name === "session_authorization") {
    return "Connect as that role, or use the direct lane.";
  }
  return `Set it by \`ALTER ROLE … SET ${written}\`, or use the direct lane.`;
}
