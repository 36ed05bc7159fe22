import { ourPool, STATEMENT, warmPool } from "../clients/pools.ts";
import { openLoop } from "../load/open-loop.ts";

interface Task {
  readonly pool: "ours" | "warm";
  readonly url: string;
  readonly callers: number;
  readonly everyMs: number;
  readonly forMs: number;
}

process.once("message", (task: Task) => void measure(task));

/** Memory of a process at the end of a load, in bytes. */
async function measure({ pool: kind, url, ...load }: Task): Promise<void> {
  const pool = kind === "ours" ? ourPool(url) : warmPool(url);
  await openLoop({ ...load, ask: () => pool.query(STATEMENT) });
  const { rss } = process.memoryUsage();
  await pool.end();
  process.send?.({ memory: rss });
  process.disconnect();
}
