import { capabilitiesOf, effectsOf, judgeStatement } from "../../src/index.ts";
import { statementsIn } from "../../src/sql/statements.ts";
import { readCorpus } from "../sql/corpus.ts";
import { isOfReading } from "../sql/call-oracle.ts";
import { oracleEffects } from "../sql/effect-oracle.ts";
import { oracleTrees } from "../sql/oracle.ts";

type Verdict = "allowed" | "reported" | "refused";

const PGBOUNCER = capabilitiesOf({ kind: "pgbouncer", version: "1.24" });

/** What no block ends, so that it stays on the server connection wherever it was made. */
const OUTLIVES = new Set(
  "session-lock session-unlock listen unlisten prepare execute discard load".split(" "),
);

/** Each statement of a file whose verdict differs from what PostgreSQL's parser says of it, in words. */
export function wrongVerdicts(file: string): { readonly wrong: string[]; readonly judged: number } {
  const text = readCorpus(file);
  const wrong: string[] = [];
  let judged = 0;
  for (const { start, end } of statementsIn(text)) {
    const statement = text.slice(start, end);
    const theirs = oracleEffects(statement)?.flat();
    if (theirs === undefined) continue;
    for (const isInBlock of [false, true]) {
      const expected = expectedOf(statement, theirs, isInBlock);
      const ours = verdictOf(statement, isInBlock);
      judged += 1;
      if (ours !== expected) {
        const where = isInBlock ? "inside" : "outside";
        wrong.push(`${ours} and not ${expected} ${where} of a block: ${statement}`);
      }
    }
  }
  return { wrong, judged };
}

function verdictOf(text: string, isInBlock: boolean): Verdict {
  const findings = judgeStatement(effectsOf(text), {
    has: (capability) => PGBOUNCER.has(capability),
    text,
    isInBlock,
  });
  if (findings.some(({ level }) => level === "refuse")) return "refused";
  return findings.length > 0 ? "reported" : "allowed";
}

/** The policy in the words of the issue, and not in those of the rules. */
function expectedOf(text: string, effects: readonly object[], isInBlock: boolean): Verdict {
  const verdicts = effects.map((effect) => expectedOfOne(text, effects, effect, isInBlock));
  if (verdicts.includes("refused")) return "refused";
  return verdicts.includes("reported") ? "reported" : "allowed";
}

function expectedOfOne(
  text: string,
  effects: readonly object[],
  effect: object,
  isInBlock: boolean,
): Verdict {
  const onlyInside: Verdict = isInBlock ? "allowed" : "refused";
  const field = (name: string): unknown => Reflect.get(effect, name);
  const kind = String(field("kind"));
  if (OUTLIVES.has(kind)) return "refused";
  switch (kind) {
    case "set":
      if (isOfReading(field("parameter")) && field("isReadable") !== true) return "refused";
      return expectedOfSetting(field("parameter"), field("scope"), isInBlock);
    case "set-transaction":
      return onlyInside;
    case "deallocate":
      return field("isAll") === true ? "allowed" : "refused";
    case "cursor":
      return field("isHeld") === true ? "refused" : "allowed";
    case "temp":
      return field("isDroppedOnCommit") === true ? onlyInside : "refused";
    case "transaction-lock":
      return isInBlock || field("call") === "lock" ? "allowed" : "reported";
    case "sequence-read":
      return drawsNumber(text, effects) ? "allowed" : onlyInside;
    case "needs-autocommit":
      return isInBlock ? "refused" : "reported";
    default:
      return "allowed";
  }
}

function expectedOfSetting(parameter: unknown, scope: unknown, isInBlock: boolean): Verdict {
  const name = typeof parameter === "string" ? parameter : undefined;
  const endsWithBlock =
    name !== undefined && /^transaction_(?:isolation|read_only|deferrable)$/.test(name);
  const isSeed = name === "seed";
  if (!isSeed && (scope === "transaction" || endsWithBlock))
    return isInBlock ? "allowed" : "refused";
  if (name !== undefined && PGBOUNCER.has(`tracks-parameter:${name}`)) return "allowed";
  return isSeed || scope === "session" || !isInBlock ? "refused" : "reported";
}

function drawsNumber(text: string, effects: readonly object[]): boolean {
  if (effects.some((effect) => Reflect.get(effect, "kind") === "sequence")) return true;
  const tree = JSON.stringify(oracleTrees(text));
  return /"(?:InsertStmt|MergeStmt)"/.test(tree) || /"UpdateStmt".*"SetToDefault"/.test(tree);
}
