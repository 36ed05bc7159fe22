import { scrubbed } from "../scrub.ts";

/** An error in lines: what happened, what to do, what lies below; the stack only for `--debug`. */
export function failureLines(error: unknown, options: { readonly debug: boolean }): string {
  const lines = [scrubbed(messageOf(error))];
  const hint = hintOf(error);
  if (hint !== undefined && !lines[0]?.includes(hint)) lines.push(`  help: ${hint}`);
  for (const cause of causesOf(error)) lines.push(`  cause: ${scrubbed(messageOf(cause))}`);
  if (options.debug && error instanceof Error && error.stack !== undefined) {
    lines.push(scrubbed(error.stack).replaceAll(/^/gm, "    "));
  }

  return lines.join("\n");
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message === "" ? error.name : error.message;

  return typeof error === "string" ? error : "something that is not an Error was thrown";
}

/** The imperative sentence of an error of ours, if it has one. */
export function hintOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("hint" in error)) return undefined;

  return typeof error.hint === "string" ? error.hint : undefined;
}

/** The chain of causes, outermost first; bounded, since a chain may be a ring. */
export function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  let next: unknown = error;
  while (next instanceof Error && next.cause !== undefined && causes.length < 5) {
    next = next.cause;
    causes.push(next);
  }

  return causes;
}
