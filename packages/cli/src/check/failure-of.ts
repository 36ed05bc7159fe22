import { causesOf, hintOf, messageOf } from "../report/failure.ts";
import { scrubbed } from "../scrub.ts";
import type { Failure } from "./check-report.ts";

/** Why a file could not be judged, from whatever was thrown; without URLs. */
export function failureOf(file: string, error: unknown): Failure {
  const hint = hintOf(error);
  const message = messageOf(error);
  const causes = causesOf(error).map((cause) => scrubbed(firstLine(messageOf(cause))));

  return {
    file,
    // Errors of the policy end with their hint, which has a line of its own here.
    message: scrubbed(hint === undefined ? message : message.replace(hint, "")).trim(),
    hint:
      hint ??
      "Make the module load without a database and without the network; `--debug` shows the stack.",
    cause: causes.length === 0 ? undefined : causes.join(": "),
    stack: error instanceof Error && error.stack !== undefined ? scrubbed(error.stack) : undefined,
  };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
