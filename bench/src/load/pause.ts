import { setTimeout as after } from "node:timers/promises";

/** The think time of a caller: part of the load, and not a wait for something to happen. */
export async function pause(milliseconds: number): Promise<void> {
  await after(milliseconds);
}
