import { ourPool, STATEMENT, warmPool } from "../clients/pools.ts";
import { openLoop } from "../load/open-loop.ts";
import type { MemoryTask } from "./measure-memory.ts";

process.once("message", (task: MemoryTask) => void measure(task));

/** Memory of a process at the end of a load, in bytes. */
async function measure({ pool: kind, url, ...load }: MemoryTask): Promise<void> {
  const pool = kind === "ours" ? ourPool(url) : warmPool(url);
  await openLoop({ ...load, ask: () => pool.query(STATEMENT) });
  const { rss } = process.memoryUsage();
  await pool.end();
  process.send?.({ memory: rss });
  process.disconnect();
}
