import {
  Lexer,
  type Statement,
  statementsIn,
  type TransactionAct,
  transactionControlsIn,
} from "@doorpolicy/core";

/** The transaction status of a connection, as `ReadyForQuery` says it. */
export type BlockStatus = "I" | "T" | "E";

/** What nobody knows of a text that was sent and not answered, and the status that it would have led to. */
export interface LostText {
  /**
   * `"transaction"`: whether a block was stored. `"statement"`: whether a statement outside a block took
   * effect. `undefined`: there is nothing to know: it only reads, or what it did is rolled back for
   * certain.
   */
  readonly unknown: "transaction" | "statement" | undefined;
  readonly status: BlockStatus;
}

/** What a text means whose statements were sent at a status and not answered. Pure. */
export function lostText(text: string, status: BlockStatus): LostText {
  const acts = new Map<number, TransactionAct>();
  for (const control of transactionControlsIn(text)) acts.set(control.statement.index, control);
  let at = status;
  let unknown: LostText["unknown"];
  for (const statement of statementsIn(text)) {
    const act = acts.get(statement.index);
    if (act !== undefined) {
      if (storesBlock(act, at)) unknown = "transaction";
      at = statusAfter(act, at);
    } else if (at === "I" && !leavesNothing(text, statement)) {
      unknown ??= "statement";
    }
  }
  return { unknown, status: at };
}

/** The COMMIT of a failed block stores nothing, and one outside a block has nothing to store. */
function storesBlock({ kind }: TransactionAct, status: BlockStatus): boolean {
  if (kind === "commit" || kind === "prepare-transaction") return status === "T";
  return kind === "commit-prepared" || kind === "rollback-prepared";
}

function statusAfter(act: TransactionAct, status: BlockStatus): BlockStatus {
  switch (act.kind) {
    case "begin":
      return status === "I" ? "T" : status;
    case "commit":
    case "rollback":
      return act.chain && status !== "I" ? "T" : "I";
    case "prepare-transaction":
      return "I";
    case "rollback-to":
      return status === "E" ? "T" : status;
    default:
      return status;
  }
}

/** What they do is gone with the connection, or was nothing. */
const OF_THE_SESSION: ReadonlySet<string> = new Set([
  "show",
  "set",
  "reset",
  "fetch",
  "move",
  "declare",
  "close",
  "listen",
  "unlisten",
  "discard",
  "deallocate",
  "prepare",
  "lock",
  "load",
]);

/** They read, unless one of {@link WRITES} stands in them. */
const READS: ReadonlySet<string> = new Set(["select", "with", "values", "table"]);

/** A statement inside a WITH, `SELECT INTO`, and what EXPLAIN ANALYZE may run. */
const WRITES: readonly string[] = [
  "insert",
  "delete",
  "merge",
  "into",
  "create",
  "execute",
  "refresh",
];

/**
 * True for a statement that leaves nothing behind that could be looked for. A function that writes cannot
 * be seen in a `SELECT`; its error stays the driver's, which promises nothing either.
 */
function leavesNothing(text: string, statement: Statement): boolean {
  const [first] = statement.words;
  if (first === undefined || READS.has(first)) return !writes(text, statement);
  if (first === "explain") return !contains(text, statement, isAnalyze) || !writes(text, statement);
  if (first === "copy") return copiesOut(text, statement) && !writes(text, statement);
  return OF_THE_SESSION.has(first);
}

function isAnalyze(lexer: Lexer): boolean {
  return lexer.is("analyze") || lexer.is("analyse");
}

function writes(text: string, statement: Statement): boolean {
  let isLocking = false;
  return contains(text, statement, (lexer) => {
    // SELECT … FOR UPDATE and FOR NO KEY UPDATE lock rows until the end, which has been.
    const isUpdate = lexer.is("update") && !isLocking;
    isLocking = lexer.is("for") || lexer.is("key");
    return isUpdate || WRITES.some((word) => lexer.is(word));
  });
}

/** `COPY … TO`, also of a query in parentheses, whose own FROM says nothing. */
function copiesOut(text: string, statement: Statement): boolean {
  let depth = 0;
  let direction: string | undefined;
  contains(text, statement, (lexer) => {
    const token = lexer.slice();
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (depth === 0 && (lexer.is("to") || lexer.is("from"))) direction ??= token.toLowerCase();
    return direction !== undefined;
  });
  return direction === "to";
}

function contains(
  text: string,
  { start, end }: Statement,
  isFound: (lexer: Lexer) => boolean,
): boolean {
  const lexer = new Lexer(text, start);
  while (lexer.nextSignificant() !== "end" && lexer.start < end) if (isFound(lexer)) return true;
  return false;
}
