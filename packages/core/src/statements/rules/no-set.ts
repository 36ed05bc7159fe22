import { CLIENT_ENCODING } from "../../sql/reading.ts";
import type { Judgement } from "../finding.ts";
import { SEED } from "../setting.ts";
import type { ResolvedSetting } from "../setting.ts";
import type { StatementRule } from "../statement-rule.ts";

/** Judged by rules of their own, whose words say more. */
const ELSEWHERE: ReadonlySet<string> = new Set(["role", "session_authorization", "search_path"]);

const OTHER_STRINGS: Judgement = {
  message:
    "With `standard_conforming_strings` at anything but `on` a string need not end where it seems to: what later statements of this connection do can no longer be told from their texts.",
  help: "Leave it on, and write a string with escapes as `E'…'` or bind it.",
};

const OTHER_ENCODING: Judgement = {
  message:
    "With `client_encoding` at anything but UTF-8, which is what the driver sends, the server reads other characters than were written, and a string need not end where it seems to: what later statements of this connection do can no longer be told from their texts.",
  help: "Leave it alone; the server converts to and from its own encoding.",
};

/**
 * A parameter that is set for the session, by `SET`, `RESET` or `set_config(…, false)`, inside a block
 * as outside: COMMIT keeps it. One that the pooler follows for each client is left alone.
 *
 * A `set_config()` whose third argument only the server can compute is one of two faults outside a block,
 * and refused; inside a block it may be right.
 *
 * `standard_conforming_strings` may only be turned on, and `client_encoding` only be set to UTF-8, whoever
 * follows them and however long they hold: else statements that follow hide in their strings what they do
 * (`select '\'' , pg_advisory_lock(1) , '\''`).
 */
export const noSet: StatementRule = {
  id: "session-state/no-set",
  judge(effect, where) {
    const setting = where.setting(effect);
    if (setting === undefined) return undefined;
    if (setting.hidesTexts) {
      return setting.parameter === CLIENT_ENCODING ? OTHER_ENCODING : OTHER_STRINGS;
    }
    if (setting.scope === "transaction" || where.pins(effect)) return undefined;
    const { parameter, scope, by } = setting;
    if (parameter !== undefined && ELSEWHERE.has(parameter)) return undefined;
    if (where.follows(setting)) return undefined;
    if (parameter === SEED) {
      return {
        message:
          "The seed stays on a server connection that other clients use next, also when it is set for a transaction: the numbers that `random()` gives them follow from it.",
        help: 'Send `setseed()` and what uses it on the direct lane (`{ lane: "direct" }`).',
      };
    }
    const help =
      "Set it with `transaction({ setLocal })` or `unitOfWork({ setLocal })`, or for good with `ALTER ROLE … SET`.";
    if (scope === undefined) {
      return {
        message:
          "The third argument of `set_config()` is computed by the server: where it is false, the setting stays on a server connection that other clients use next.",
        help: "Write `true`, inside a transaction.",
        level: where.levelOf(setting),
      };
    }
    if (by === "reset") {
      return {
        message: `${what(by, parameter)} changes a server connection that happens to serve it, and nothing for this client's next statement.`,
        help: "Remove it: behind the pooler a session is nobody's own.",
      };
    }
    return {
      message: `${what(by, parameter)} ${where.fate(
        "their statements run under it, and this client's next one may not",
        "this client's next statement runs without it",
      )}.`,
      help,
    };
  },
};

/** The name of a parameter is shown where the statement has it as a name, never out of a literal. */
function what(by: ResolvedSetting["by"], parameter: string | undefined): string {
  switch (by) {
    case "set_config":
      return "What `set_config(…, false)` sets";
    case "update":
      return "What an `UPDATE` of `pg_settings` sets";
    case "reset":
      return parameter === undefined
        ? "`RESET`"
        : `\`RESET ${parameter.toUpperCase() === "ALL" ? "ALL" : parameter}\``;
    default:
      return parameter === undefined ? "What `SET` sets" : `What \`SET ${parameter}\` sets`;
  }
}
