/** Longest statement that a report shows. */
const MAX_LENGTH = 200;

/**
 * A statement with its literals replaced by `?`: strings in all their forms, numbers, and comments,
 * which carry trace ids and what else people put there. What cannot be told apart for certain (a
 * backslash before a quote means one thing or another by a server setting) is cut off.
 */
export function scrub(text: string): string {
  let shown = "";
  let position = 0;
  while (position < text.length && shown.length < MAX_LENGTH) {
    TOKEN.lastIndex = position;
    const token = TOKEN.exec(text);
    if (token === null) return `${shown.trimEnd()} …`;
    shown += replacement(token);
    position = TOKEN.lastIndex;
  }
  const line = shown.replaceAll(/\s+/g, " ").trim();
  return position < text.length || line.length > MAX_LENGTH
    ? `${line.slice(0, MAX_LENGTH)}…`
    : line;
}

/** In the order in which they are tried; each is one kind of token from its first to its last character. */
const TOKEN = new RegExp(
  [
    String.raw`(?<gap>\s+|--[^\n]*|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)`,
    String.raw`(?<literal>[eE]'(?:[^'\\]|\\[\s\S]|'')*'|[uU]&'(?:[^']|'')*'|[bBxXnN]?'(?:[^'\\]|'')*'|\$(?<tag>(?:[a-zA-Z_]\w*)?)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<name>"(?:[^"]|"")*"|[a-zA-Z_\u0080-\uffff][\w$\u0080-\uffff]*|\$\d+)`,
    String.raw`(?<number>\.?\d[\w.]*)`,
    String.raw`(?<sign>[^\s'"$\w\\/-]|-(?!-)|/(?!\*))`,
  ].join("|"),
  "y",
);

function replacement({ 0: text, groups }: RegExpExecArray): string {
  if (groups?.["gap"] !== undefined) return " ";
  return groups?.["literal"] !== undefined || groups?.["number"] !== undefined ? "?" : text;
}
