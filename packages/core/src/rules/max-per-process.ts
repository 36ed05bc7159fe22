import type { Rule } from "../rule.ts";
import { helpOf } from "../help.ts";

/** One process that opens more connections than planned takes the client slots of all the others. */
export const maxPerProcess: Rule = {
  id: "connections/max-per-process",
  severity: "error",
  atRuntime: false,
  *check({ poolMax: { value, path, key }, remedy }, { policy }) {
    const most = policy.connections.maxPerProcess;
    if (value <= most) return;
    const many = Number.isFinite(value) ? `${value} connections` : "any number of connections";
    yield {
      message: `One process opens ${many} at a time, and the policy allows ${most}.`,
      help: helpOf(
        remedy,
        `Set ${key === undefined ? `the limit to ${most}` : `\`${key}: ${most}\``}, or raise \`connections.maxPerProcess\`.`,
      ),
      path,
    };
  },
};
