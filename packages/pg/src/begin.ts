/**
 * Recognises the texts that open and end a block. It reads words and comments and nothing else: a
 * text that holds more than the one statement is never recognised, so nothing is rewritten by mistake.
 */
const MODE_WORDS: ReadonlySet<string> = new Set(
  "work transaction isolation level serializable repeatable read committed uncommitted write only not deferrable".split(
    " ",
  ),
);

/**
 * Where the statement that opens a block ends inside its text, so that more can be put behind it;
 * `undefined` for every other text. `BEGIN` and `START TRANSACTION` in any case, with any
 * transaction modes, behind comments, before semicolons and comments.
 */
export function blockOpening(text: string): number | undefined {
  if (!mayStartWith(text, "bBsS")) return undefined;
  let end = openingWords(text);
  if (end === undefined) return undefined;
  for (
    let position = skipGap(text, end);
    position < text.length;
    position = skipGap(text, position)
  ) {
    if (text[position] === ",") {
      position += 1;
      continue;
    }
    const word = wordAt(text, position);
    if (word === "") return isOnlyGap(text, position) ? end : undefined;
    if (!MODE_WORDS.has(word)) return undefined;
    position += word.length;
    end = position;
  }
  return end;
}

/** True for `COMMIT` and `END` in all their forms, save `COMMIT PREPARED`, which ends another session's block. */
export function isBlockEnding(text: string): boolean {
  if (!mayStartWith(text, "cCeE")) return false;
  const start = skipGap(text, 0);
  const word = wordAt(text, start);
  if (word === "end") return true;
  return word === "commit" && wordAt(text, skipGap(text, start + word.length)) !== "prepared";
}

/** Costs one look at the first character of nearly every text. */
function mayStartWith(text: string, letters: string): boolean {
  const first = text[0];
  if (first === undefined) return false;
  return letters.includes(first) || first === "-" || first === "/" || first <= " ";
}

function openingWords(text: string): number | undefined {
  const start = skipGap(text, 0);
  const word = wordAt(text, start);
  const end = start + word.length;
  if (word === "begin") return end;
  if (word !== "start") return undefined;
  const second = skipGap(text, end);
  return wordAt(text, second) === "transaction" ? second + "transaction".length : undefined;
}

const WORD = /[a-z_][a-z_0-9$]*/iy;

function wordAt(text: string, position: number): string {
  WORD.lastIndex = position;
  return WORD.exec(text)?.[0].toLowerCase() ?? "";
}

function isOnlyGap(text: string, from: number): boolean {
  let position = skipGap(text, from);
  while (text[position] === ";") position = skipGap(text, position + 1);
  return position >= text.length;
}

/** Past blanks, `--` comments and nested block comments; past the end where a comment is not closed. */
function skipGap(text: string, from: number): number {
  let position = from;
  for (;;) {
    const character = text[position];
    if (character === undefined) return position;
    if (character <= " ") position += 1;
    else if (text.startsWith("--", position)) position = endOf(text, "\n", position);
    else if (text.startsWith("/*", position)) position = skipBlockComment(text, position);
    else return position;
  }
}

function skipBlockComment(text: string, from: number): number {
  let position = from + 2;
  for (let depth = 1; depth > 0;) {
    const close = text.indexOf("*/", position);
    if (close === -1) return text.length;
    const open = text.indexOf("/*", position);
    const isNested = open !== -1 && open < close;
    depth += isNested ? 1 : -1;
    position = (isNested ? open : close) + 2;
  }
  return position;
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + mark.length;
}
