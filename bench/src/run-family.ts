import { fork } from "node:child_process";
import { once } from "node:events";
import type { Answer, Request } from "./protocol.ts";

/**
 * Measures one family in a process of its own, and hands on what it answers.
 *
 * Throws what went wrong there; what had been measured by then has been handed on.
 */
export async function runFamily(
  request: Request,
  onAnswer: (answer: Answer) => void,
): Promise<void> {
  const child = fork(new URL("./family-process.ts", import.meta.url));
  let failure: string | undefined;
  child.on("message", (answer: Answer) => {
    if (answer.kind === "failed") failure = answer.error;
    else onAnswer(answer);
  });
  child.send(request);
  const [code, signal]: unknown[] = await once(child, "exit");
  if (failure !== undefined) throw new Error(`${request.family}: ${failure}`);
  if (code !== 0) throw new Error(`${request.family} ended with ${String(signal ?? code)}.`);
}
