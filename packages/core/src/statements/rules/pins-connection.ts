import type { StatementRule } from "../statement-rule.ts";

/**
 * What makes the pooler keep the server connection for this one client until it disconnects (RDS Proxy): it
 * works, and the pooling is lost.
 */
export const pinsConnection: StatementRule = {
  id: "session-state/pins-connection",
  level: "warn",
  judge(effect, where) {
    if (!where.pins(effect)) return undefined;
    return {
      message:
        "The pooler keeps a server connection for this client alone from here on: no other client can use it until this one disconnects.",
      help: 'Do without it on the pooled lane, or use the direct lane (`{ lane: "direct" }`).',
    };
  },
};
