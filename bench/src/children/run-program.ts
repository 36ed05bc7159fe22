import { fork } from "node:child_process";
import { once } from "node:events";
import type { Sample } from "../method/experiment.ts";

/** Programs beside this file that measure themselves, in a process that has done nothing else. */
export type ProgramName = "memory";

/** Starts one, hands it its task, and gives what it measured. Throws when it ends without an answer. */
export async function runProgram(
  program: ProgramName,
  task: Readonly<Record<string, string | number>>,
): Promise<Sample> {
  const child = fork(new URL(`./${program}.ts`, import.meta.url));
  let sample: Sample | undefined;
  child.once("message", (answer: Sample) => {
    sample = answer;
  });
  child.send(task);
  const [code]: unknown[] = await once(child, "exit");
  if (sample === undefined) throw new Error(`The program ${program} ended with ${String(code)}.`);
  return sample;
}
