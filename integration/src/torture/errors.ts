import { inspect } from "node:util";

const INSIDE = ["cause", "driverError", "originalError", "meta", "driverAdapterError", "error"];

/** Every link of an error, whatever an ORM has wrapped it in. */
function linksOf(error: unknown): readonly object[] {
  const seen = new Set<object>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0) {
    const link = waiting.pop();
    if (typeof link !== "object" || link === null || seen.has(link)) continue;
    seen.add(link);
    for (const key of INSIDE) if (key in link) waiting.push(Reflect.get(link, key));
  }
  return [...seen];
}

/** True when it says that nobody knows what was stored. */
export function isUnknown(error: unknown): boolean {
  return linksOf(error).some(
    (link) =>
      "code" in link && typeof link.code === "string" && link.code.endsWith("/outcome-unknown"),
  );
}

/** One line of an error and what it wraps. */
export function inWords(error: unknown): string {
  const texts = linksOf(error).flatMap((link) => {
    const code = "code" in link && typeof link.code === "string" ? `${link.code}: ` : "";
    const text = link instanceof Error ? link.message.trim().split("\n").at(-1) : undefined;
    return text === undefined ? [] : [`${code}${text}`];
  });
  return texts.length > 0 ? texts.join(" <- ") : inspect(error);
}
