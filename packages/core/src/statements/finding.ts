import type { Effect } from "../sql/effect.ts";

/** What is done about a finding where the policy leaves it to the mode. */
export type FindingLevel =
  /** Refused in enforce: the statement would harm others, or do nothing of what it says. */
  | "refuse"
  /** Reported in every mode: it works, and costs something that one may not know of. */
  | "warn";

/** What a rule says of one effect. */
export interface Judgement {
  /** What happens to the server or to the other clients, in plain words; no literal of the statement. */
  readonly message: string;
  /** One imperative sentence. */
  readonly help: string;
  /** @default the rule's own level */
  readonly level?: FindingLevel;
}

/** What a statement would do on its lane that it should not. */
export interface StatementFinding extends Required<Judgement> {
  /** The rule's id. */
  readonly rule: string;
  /** What of the text shows it; absent where it is no part of the text: a name, its length. */
  readonly effect: Effect | undefined;
}
