import type { Explanation, KnownFault } from "./explanation.ts";
import { chainOf, type Face, facesOf } from "./face.ts";
import type { Signature } from "./fault.ts";
import { knownFaults } from "./faults.ts";
import { matches, nameIn } from "./match.ts";
import { explainPolicyError } from "./policy-fault.ts";

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
  const own = explainPolicyError(chain);
  if (own !== undefined) return own;
  const found = chain.flatMap(facesOf).flatMap((face) => recognise(face) ?? []);
  const reasons = found.filter(({ signature }) => !signature.symptom);
  const best = innermost(reasons) ?? innermost(found);
  return best && explanationOf(best);
}

interface Recognised {
  readonly face: Face;
  readonly signature: Signature<KnownFault>;
}

function recognise(face: Face): Recognised | undefined {
  const signature = knownFaults().signatures.find((candidate) => matches(candidate, face));
  return signature && { face, signature };
}

/** The reason is what the others were thrown because of; of several beside each other, the first. */
function innermost(found: readonly Recognised[]): Recognised | undefined {
  let best: Recognised | undefined;
  for (const candidate of found) {
    if (best === undefined || candidate.face.depth > best.face.depth) best = candidate;
  }
  return best;
}

function explanationOf({ face, signature }: Recognised): Explanation {
  const { kind } = signature;
  const { retryable, sentence, sentenceAbout, hint } = knownFaults().faults[kind];
  const name = nameIn(signature, face);
  const [family, fault] = kind.split(".");
  return {
    kind,
    retryable,
    sentence: name === undefined || sentenceAbout === undefined ? sentence : sentenceAbout(name),
    hint,
    docs: `docs/faults/${family}.md#${fault}`,
  };
}
