import { docsUrl } from "../docs-url.ts";
import type { Explanation, KnownFault } from "./explanation.ts";
import { chainOf, type Face, facesOf, type Link } from "./face.ts";
import type { Signature } from "./fault.ts";
import { knownFaults } from "./faults.ts";
import { matches, nameIn } from "./match.ts";
import { explainOwn } from "./own-error.ts";
import { isOutcomeUnknown, ownErrorOf } from "./policy-fault.ts";
import { decisive, type Verdict } from "./verdict.ts";

/**
 * Says what an error of a database client means: one `kind` for one fault, whether it came through
 * node-postgres, TypeORM or Prisma, with what may be retried and what to do.
 *
 * Recognised are faults of the network, the pooler, the login, the connection and the transaction.
 * `undefined` for everything else: errors of the statement itself (a unique key, a syntax error) are
 * the application's own business, and an unknown fault is not guessed at.
 *
 * PostgreSQL's faults are recognised by SQLSTATE, since it translates its texts; poolers' by their
 * text and SQLSTATE together, since PgBouncer says nearly everything with 08P01. Nothing of the error
 * but the name of a setting is repeated, and the error is neither changed nor kept. Never throws.
 */
export function explainError(error: unknown): Explanation | undefined {
  const chain = chainOf(error);
  const verdicts: Verdict[] = [];
  for (const link of chain) {
    const own = ownErrorOf(link.value);
    if (own !== undefined) {
      const explanation = explainOwn(own);
      // Nobody may take it for what stands around it or beside it, whatever that is.
      if (isOutcomeUnknown(own)) return explanation;
      verdicts.push({ link, depth: link.depth, weight: "own", explanation });
    } else {
      for (const face of facesOf(link)) verdicts.push(...recognised(link, face));
    }
  }
  return decisive(verdicts)?.explanation;
}

function recognised(link: Link, face: Face): Verdict[] {
  const signature = knownFaults().signatures.find((candidate) => matches(candidate, face));
  if (signature === undefined) return [];
  const weight = signature.symptom ? "symptom" : "reason";
  return [{ link, depth: face.depth, weight, explanation: explanationOf(face, signature) }];
}

function explanationOf(face: Face, signature: Signature<KnownFault>): Explanation {
  const { kind } = signature;
  const { retryable, sentence, sentenceAbout, hint } = knownFaults().faults[kind];
  const name = nameIn(signature, face);
  const [family, fault] = kind.split(".");
  return {
    kind,
    retryable,
    sentence: name === undefined || sentenceAbout === undefined ? sentence : sentenceAbout(name),
    hint,
    docs: docsUrl(`docs/faults/${family}.md#${fault}`),
  };
}
