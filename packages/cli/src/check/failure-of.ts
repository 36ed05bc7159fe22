import { causesOf, hintOf, messageOf } from "../report/failure.ts";
import { scrubbed } from "../scrub.ts";
import type { Failure, Position } from "./check-report.ts";

/** Which thing in a file it was, and where it stands. */
interface Place {
  readonly subject?: string;
  readonly position?: Position;
}

/** Why a file, or one thing in it, could not be judged, from whatever was thrown; without URLs. */
export function failureOf(file: string, error: unknown, place: Place = {}): Failure {
  const hint = hintOf(error);
  const message = messageOf(error);
  const causes = causesOf(error).map((cause) => scrubbed(firstLine(messageOf(cause))));

  return {
    file,
    subject: place.subject,
    position: place.position,
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
