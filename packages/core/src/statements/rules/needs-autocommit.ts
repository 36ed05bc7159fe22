import type { StatementRule } from "../statement-rule.ts";

/**
 * `VACUUM`, `CREATE INDEX CONCURRENTLY` and their like, which Postgres refuses inside a block (25001). Alone
 * they pass through a pooler, and hold one of its server connections for as long as they take.
 */
export const needsAutocommit: StatementRule = {
  id: "statements/needs-autocommit",
  judge(effect, where) {
    if (effect.kind !== "needs-autocommit") return undefined;
    const help = 'Run it on the direct lane (`{ lane: "direct" }`), outside of any transaction.';
    if (where.isInBlock || where.isWrapped) {
      const failure = where.isInBlock
        ? "the transaction fails with it"
        : "each statement of a unit with settings has one";
      return {
        message: `\`${effect.command}\` cannot run inside a transaction block: Postgres refuses it (25001), and ${failure}.`,
        help,
      };
    }
    return {
      message: `\`${effect.command}\` holds one of the pooler's server connections for as long as it takes, and the pooler's own limits may end it halfway.`,
      help,
      level: "warn",
    };
  },
};
