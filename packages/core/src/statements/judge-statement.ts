import type { Effects } from "../sql/effect.ts";
import type { StatementFinding } from "./finding.ts";
import { noNamedFinding } from "./named.ts";
import { statementRules } from "./registry.ts";
import type { StatementSituation } from "./situation.ts";
import { Where } from "./statement-rule.ts";

const NOTHING: readonly StatementFinding[] = Object.freeze([]);

/**
 * What a text would do on its lane that it should not, in the order of the text; the first finding of
 * level `refuse` is what its sender is told. Empty on a lane that keeps session state: there a session is
 * the client's own.
 *
 * What is set for the session, listened to, locked or prepared inside a block outlives its COMMIT, so
 * that a block allows only what ends with it. A setting whose scope is not known is a finding of level `warn`
 * at most, unless it would be refused with either; one whose parameter is not known is refused as any other.
 */
export function judgeStatement(
  { effects, statements }: Effects,
  situation: StatementSituation,
): readonly StatementFinding[] {
  if (situation.has("session-state")) return NOTHING;
  const findings: StatementFinding[] = [];
  if (situation.isNamed === true) {
    const named = noNamedFinding(situation.has);
    if (named !== undefined) findings.push(named);
  }
  if (effects.length === 0) return findings.length === 0 ? NOTHING : findings;
  const where = new Where(situation, effects, statements);
  for (const effect of effects) {
    for (const rule of statementRules) {
      const judgement = rule.judge(effect, where);
      if (judgement === undefined) continue;
      findings.push({ rule: rule.id, level: rule.level ?? "refuse", effect, ...judgement });
    }
  }
  return findings;
}
