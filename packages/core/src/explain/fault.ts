/**
 * What may be sent again without doing it twice. It speaks of the statement that failed, or of the
 * block that it stood in; units that committed earlier are the caller's.
 *
 * - `"yes"`: the database never saw it; the same can be tried again, after a pause.
 * - `"whole-transaction"`: what it was part of has been undone; all of it can be run again from its
 *   BEGIN, not the one statement.
 * - `"if-not-sent"`: the connection went away; safe only while neither a COMMIT nor a statement
 *   outside a block had been written. Otherwise nobody knows whether it took effect.
 * - `"no"`: it fails again until somebody changes something, or it was sent and may have taken effect.
 */
export type Retryable = "yes" | "whole-transaction" | "if-not-sent" | "no";

/** What is said about a kind, wherever it was recognised. */
export interface Fault {
  readonly retryable: Retryable;
  readonly sentence: string;
  /** The sentence where the text names a setting or an option; never a value. */
  readonly sentenceAbout?: (name: string) => string;
  readonly hint: string;
}

/**
 * How a fault is recognised. All that is given must hold.
 *
 * A text is matched whole (`^…`), never searched for: messages carry users' data, and a value that
 * holds a pooler's words is no pooler's message.
 */
export interface Signature<Kind extends string = string> {
  readonly kind: Kind;
  /** Where it was learnt: a file of the project that says it, an issue, a measurement. */
  readonly source: string;
  /**
   * - `"server"`: an SQLSTATE. PostgreSQL translates its texts, so they are not looked at, but for a
   *   name or a routine in them that no language changes.
   * - `"pooler"`: a text that nobody translates, with the SQLSTATE that goes with it, and no routine:
   *   PostgreSQL always names one, also for what a function raises.
   * - `"client"`: node, the driver or the ORM, inside this process; it has no SQLSTATE.
   */
  readonly from: "server" | "pooler" | "client";
  /** SQLSTATE, node's `code`, or Prisma's. */
  readonly codes?: readonly string[];
  /** Anchored. A group called `name` goes into the sentence when it is a plain identifier. */
  readonly text?: RegExp;
  /** Anchored; the DETAIL of the message. */
  readonly detail?: RegExp;
  /** `error.name`: what TypeORM's errors are told apart by. */
  readonly names?: readonly string[];
  /** The function of the server's source that raised it; it is not translated. */
  readonly routine?: string;
  /**
   * What is seen of a fault when its reason got lost on the way. Gives way to any other signature
   * that fits an error which it wraps, or which wraps it.
   */
  readonly symptom?: true;
}
