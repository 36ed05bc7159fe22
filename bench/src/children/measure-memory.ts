import { fork } from "node:child_process";
import { once } from "node:events";
import type { Sample } from "../method/experiment.ts";

/** A load on one pool, in a process of its own. */
export interface MemoryTask {
  readonly pool: "ours" | "warm";
  readonly url: string;
  readonly callers: number;
  readonly everyMs: number;
  readonly forMs: number;
}

/**
 * What a process needs that does nothing else, in bytes as `memory`. Throws when it ends without an
 * answer.
 */
export async function measureMemory(task: MemoryTask): Promise<Sample> {
  const child = fork(new URL("./memory.ts", import.meta.url));
  let sample: Sample | undefined;
  child.once("message", (answer: Sample) => {
    sample = answer;
  });
  child.send(task);
  const [code]: unknown[] = await once(child, "exit");
  if (sample === undefined) throw new Error(`The process of a pool ended with ${String(code)}.`);
  return sample;
}
