const INSIDE = ["cause", "driverError", "originalError", "meta", "driverAdapterError"] as const;

/** The texts of an error and of what it wraps, outermost first, each behind its code. */
export function wordsOf(error: unknown): readonly string[] {
  const seen = new Set<unknown>();
  const words: string[] = [];
  const waiting: unknown[] = [error];
  while (waiting.length > 0) {
    const link = waiting.shift();
    if (typeof link !== "object" || link === null || seen.has(link)) continue;
    seen.add(link);
    const code = "code" in link && typeof link.code === "string" ? `${link.code}: ` : "";
    if (link instanceof Error) words.push(`${code}${link.message.trim()}`);
    for (const key of INSIDE) if (key in link) waiting.push(Reflect.get(link, key));
  }
  return words;
}
