import { mayControlTransaction, transactionControlsIn } from "@doorpolicy/core";

/** What a text does to the block of its connection, as far as the guard acts on it. */
export interface BlockControl {
  /**
   * Where the statement that opens a block ends inside the text, so that more can be put behind it;
   * `undefined` where the text opens none or holds more than the one statement: nothing is rewritten
   * by mistake.
   */
  readonly opensAt: number | undefined;
  /** Which results of the text answer a statement that is to store the block, counted from 0. */
  readonly commits: readonly number[];
}

/** Reads a text by PostgreSQL's own rules; costs nearly every text a look at its first word. */
export function blockControlOf(text: string): BlockControl | undefined {
  if (!mayControlTransaction(text)) return undefined;
  let opensAt: number | undefined;
  const commits: number[] = [];
  for (const { kind, statement, isUnderstood } of transactionControlsIn(text)) {
    if (kind === "begin" && isUnderstood && statement.isOnly) opensAt = statement.end;
    if (kind === "commit" || kind === "prepare-transaction") commits.push(statement.index);
  }
  return opensAt === undefined && commits.length === 0 ? undefined : { opensAt, commits };
}
