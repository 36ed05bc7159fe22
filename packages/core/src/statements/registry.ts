import { needsAutocommit } from "./rules/needs-autocommit.ts";
import { noDiscard } from "./rules/no-discard.ts";
import { noHeldCursor } from "./rules/no-held-cursor.ts";
import { noListen } from "./rules/no-listen.ts";
import { noLoad } from "./rules/no-load.ts";
import { noLockOutsideBlock } from "./rules/no-lock-outside-block.ts";
import { noPrepare } from "./rules/no-prepare.ts";
import { noRole } from "./rules/no-role.ts";
import { noSearchPath } from "./rules/no-search-path.ts";
import { noSequenceSession } from "./rules/no-sequence-session.ts";
import { noSessionLock } from "./rules/no-session-lock.ts";
import { noSet } from "./rules/no-set.ts";
import { noSetLocalOutsideBlock } from "./rules/no-set-local-outside-block.ts";
import { noTemp } from "./rules/no-temp.ts";
import { pinsConnection } from "./rules/pins-connection.ts";
import type { StatementRule } from "./statement-rule.ts";

/** Every rule about single statements, in the order in which they judge one effect. */
export const statementRules: readonly StatementRule[] = Object.freeze([
  noSet,
  noRole,
  noSearchPath,
  noSetLocalOutsideBlock,
  noSessionLock,
  noLockOutsideBlock,
  noListen,
  noTemp,
  noHeldCursor,
  noPrepare,
  noDiscard,
  noLoad,
  noSequenceSession,
  needsAutocommit,
  pinsConnection,
]);

/** Their ids, for the list of all rules. */
export const statementRuleIds: readonly string[] = Object.freeze(
  statementRules.map(({ id }) => id),
);
