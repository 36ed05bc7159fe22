import type { Position } from "./check-report.ts";

/** Line and column of an offset, both from 1. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;

  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/**
 * Finds the place where a module writes an option, by the option's path (`extra.statement_timeout`,
 * `url?application_name`).
 *
 * The last part is searched as a key, after its parents where those are found, first in the export's
 * own declaration and then in those that are not exported, never in another export. It is a search
 * in text, not in syntax: what another file builds is not found, and then there is no position.
 */
export function locate(source: string, path: string, exportName?: string): Position | undefined {
  const steps = stepsOf(path);
  const whole = withoutComments(source);
  const start = exportName === undefined ? -1 : whole.search(declarationOf(exportName));
  const text = start === -1 ? whole : withoutOtherExports(whole, start);

  let from = Math.max(0, start);
  for (const parent of steps.slice(0, -1)) {
    const at = indexOf(text, parent, from);
    if (at !== -1) from = at;
  }
  const last = steps.at(-1) ?? "";
  const offset = [from, Math.max(0, start), 0]
    .map((begin) => indexOf(text, last, begin))
    .find((at) => at !== -1);

  return offset === undefined ? undefined : positionAt(source, offset);
}

/** `slaves[0].url?options` → `slaves`, `url`, `?options`. */
function stepsOf(path: string): string[] {
  return path
    .split(/(?=\?)|\./)
    .map((step) => step.replace(/\[\d+\]$/, ""))
    .filter((step) => step !== "");
}

function indexOf(text: string, step: string, from: number): number {
  const name = step.replace(/^\?/, "").replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const pattern = step.startsWith("?")
    ? new RegExp(`(?<=[?&])${name}=`, "g")
    : new RegExp(`(?<![\\w$.])(?:(["'])${name}\\1\\s*:|${name}\\s*[:,}(])`, "g");
  pattern.lastIndex = from;

  return pattern.exec(text)?.index ?? -1;
}

function declarationOf(name: string): RegExp {
  if (name === "default") return /export\s+default\b|module\.exports\b/;

  return new RegExp(`(?<![\\w$])${name.replaceAll("$", String.raw`\$`)}\\s*(?::[^=]+)?=(?!=)`);
}

/** Blanks the exported declarations in which `start` does not stand. */
function withoutOtherExports(text: string, start: number): string {
  let begin = 0;

  return text
    .split(/^(?=(?:export|const|let|var|function|class)\b)/m)
    .map((declaration) => {
      const end = begin + declaration.length;
      const isOther = declaration.startsWith("export") && (start < begin || start >= end);
      begin = end;
      return isOther ? blanked(declaration) : declaration;
    })
    .join("");
}

function blanked(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}

/** Blanks comments and keeps every offset; strings are kept, since URLs contain `//`. */
export function withoutComments(source: string): string {
  const token =
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

  return source.replaceAll(token, (found) => (found.startsWith("/") ? blanked(found) : found));
}
