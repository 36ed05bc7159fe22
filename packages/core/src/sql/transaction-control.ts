import { foldedUnit, unitAt } from "./characters.ts";
import { Lexer } from "./lexer.ts";
import { Phrase } from "./phrase.ts";
import { type Statement, statementsIn } from "./statements.ts";
import { readTransactionModes, type TransactionModes } from "./transaction-modes.ts";

/**
 * What a statement does to the transaction block.
 *
 * - `begin`: `BEGIN`, `START TRANSACTION`.
 * - `commit`: `COMMIT`, `END`; `rollback`: `ROLLBACK`, `ABORT`. With `chain` the next block is open at once.
 * - `savepoint`, `release`, `rollback-to`: with the savepoint's name as the server keeps it.
 * - `prepare-transaction`, `commit-prepared`, `rollback-prepared`: two-phase commit.
 * - `set-transaction`: `SET [LOCAL | SESSION] TRANSACTION`, with `SNAPSHOT` as well.
 */
export type TransactionAct =
  | { readonly kind: "begin" | "set-transaction"; readonly modes: TransactionModes }
  | { readonly kind: "commit" | "rollback"; readonly chain: boolean }
  | { readonly kind: "savepoint" | "release" | "rollback-to"; readonly name: string }
  | { readonly kind: "prepare-transaction" | "commit-prepared" | "rollback-prepared" };

/** A statement of a text that controls the transaction. */
export type TransactionControl = TransactionAct & {
  /** Where it stands, and whether it stands alone. */
  readonly statement: Statement;
  /**
   * False for one that begins as such a statement and goes on as none that is known here. PostgreSQL
   * up to 18 refuses its text; then a `name` may be empty and `modes` may lack some.
   */
  readonly isUnderstood: boolean;
};

/** What the statements of {@link TransactionAct} begin with, by first letter: nearly every text costs one look. */
const FIRST_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["a", ["abort"]],
  ["b", ["begin"]],
  ["c", ["commit"]],
  ["e", ["end"]],
  ["p", ["prepare"]],
  ["r", ["rollback", "release"]],
  ["s", ["start", "savepoint", "set"]],
]);

const NONE: readonly TransactionControl[] = [];

/**
 * The statements of a text that control the transaction, in their order. Statements inside strings,
 * comments and function bodies are none of the text's; what a `DO` block or a procedure does cannot
 * be read from it.
 *
 * An ordinary statement costs a look at its first word and a search for `;`.
 */
export function transactionControlsIn(text: string): Iterable<TransactionControl> {
  return mayControlTransaction(text) ? readControls(text) : NONE;
}

/**
 * Whether a text needs a closer look: its first statement begins as one that controls the
 * transaction, or more than blanks stand behind some `;`. Never false for a text that has such a
 * statement.
 */
export function mayControlTransaction(text: string): boolean {
  if (!beginsOrdinarily(text)) {
    const lexer = new Lexer(text);
    lexer.nextSignificant();
    if (beginsControl(lexer)) return true;
  }
  const separator = text.indexOf(";");
  return separator !== -1 && /[^\s;]/.test(text.slice(separator));
}

/**
 * True for a text whose first letters show already that no such statement begins it. It runs for each
 * statement of a service: a `select`, `insert`, `update`, `delete` or `with` at its very beginning needs
 * no token.
 */
function beginsOrdinarily(text: string): boolean {
  switch (smallLetter(text.charCodeAt(0))) {
    case CODE_S:
      // Not `start`, `savepoint` or `set`.
      return (
        smallLetter(text.charCodeAt(1)) === CODE_E && smallLetter(text.charCodeAt(2)) === CODE_L
      );
    case CODE_I:
    case CODE_U:
    case CODE_D:
    case CODE_W:
      return true;
    default:
      return false;
  }
}

/** A capital letter of ASCII as a small one; nothing else becomes a letter of ASCII. */
function smallLetter(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

const CODE_D = 0x64;
const CODE_E = 0x65;
const CODE_I = 0x69;
const CODE_L = 0x6c;
const CODE_S = 0x73;
const CODE_U = 0x75;
const CODE_W = 0x77;

function beginsControl(lexer: Lexer): boolean {
  const letter = String.fromCharCode(foldedUnit(unitAt(lexer.text, lexer.start)));
  return FIRST_WORDS.get(letter)?.some((word) => lexer.is(word)) ?? false;
}

function* readControls(text: string): Generator<TransactionControl> {
  for (const statement of statementsIn(text)) {
    const phrase = new Phrase(text, statement.start);
    const act = readAct(phrase);
    if (act !== undefined) yield { ...act, statement, isUnderstood: phrase.isComplete };
  }
}

/** The grammar's `TransactionStmt`, and what of `VariableSetStmt` concerns the transaction. */
function readAct(phrase: Phrase): TransactionAct | undefined {
  switch (
    phrase.acceptOneOf(
      "begin",
      "start",
      "commit",
      "end",
      "rollback",
      "abort",
      "savepoint",
      "release",
      "prepare",
      "set",
    )
  ) {
    case "begin":
      phrase.acceptOneOf("work", "transaction");
      return { kind: "begin", modes: readTransactionModes(phrase) };
    case "start":
      if (!phrase.accept("transaction")) return undefined;
      return { kind: "begin", modes: readTransactionModes(phrase) };
    case "commit":
      return readPrepared(phrase, "commit-prepared") ?? readEnding(phrase, "commit");
    case "end":
      return readEnding(phrase, "commit");
    case "rollback":
      return readPrepared(phrase, "rollback-prepared") ?? readRollback(phrase);
    case "abort":
      return readEnding(phrase, "rollback");
    case "savepoint":
      return { kind: "savepoint", name: phrase.name() };
    case "release":
      return { kind: "release", name: readSavepointName(phrase) };
    case "prepare":
      // `PREPARE transaction AS …` prepares a statement of that name.
      if (!phrase.accept("transaction") || !phrase.acceptString()) return undefined;
      return { kind: "prepare-transaction" };
    case "set":
      return readSet(phrase);
    default:
      return undefined;
  }
}

function readPrepared(
  phrase: Phrase,
  kind: "commit-prepared" | "rollback-prepared",
): TransactionAct | undefined {
  if (!phrase.accept("prepared")) return undefined;
  phrase.expect(phrase.acceptString());
  return { kind };
}

function readRollback(phrase: Phrase): TransactionAct {
  phrase.acceptOneOf("work", "transaction");
  if (!phrase.accept("to")) return readChain(phrase, "rollback");
  return { kind: "rollback-to", name: readSavepointName(phrase) };
}

function readEnding(phrase: Phrase, kind: "commit" | "rollback"): TransactionAct {
  phrase.acceptOneOf("work", "transaction");
  return readChain(phrase, kind);
}

function readChain(phrase: Phrase, kind: "commit" | "rollback"): TransactionAct {
  if (!phrase.accept("and")) return { kind, chain: false };
  const chain = !phrase.accept("no");
  phrase.expect(phrase.accept("chain"));
  return { kind, chain };
}

/** `savepoint` is a keyword that may be a name: `RELEASE savepoint` releases the one called so. */
function readSavepointName(phrase: Phrase): string {
  return phrase.accept("savepoint") && phrase.isAtEnd ? "savepoint" : phrase.name();
}

/** `SET transaction = …` sets a parameter that is called so, if any is. */
function readSet(phrase: Phrase): TransactionAct | undefined {
  phrase.acceptOneOf("local", "session");
  if (!phrase.accept("transaction")) return undefined;
  if (phrase.acceptSign("=") || phrase.acceptSign(".")) return undefined;
  if (phrase.acceptOneOf("to", "from") !== undefined) return undefined;
  if (phrase.accept("snapshot")) {
    phrase.expect(phrase.acceptString());
    return { kind: "set-transaction", modes: {} };
  }
  phrase.expect(!phrase.isAtEnd);
  return { kind: "set-transaction", modes: readTransactionModes(phrase) };
}
