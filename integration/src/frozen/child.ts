import { clients } from "../clients/registry.ts";
import type { Block, OpenClient } from "../client.ts";
import { openOptions } from "../run-scenario.ts";
import { door } from "../scenarios/ask.ts";
import { servers } from "../server.ts";
import type { Answer, Opening, Order } from "./messages.ts";
import { wordsOf } from "./words.ts";

/** An open block that waits for orders. */
interface Waiting {
  readonly block: Block;
  /** Ends it; rejects as the block does. */
  readonly end: () => Promise<unknown>;
}

let db: OpenClient | undefined;
let waiting: Waiting | undefined;

// What the adapters warn about is asked of the servers by the scenario.
process.removeAllListeners("warning");
process.on("message", (order: Order) => {
  void answer(order).then((said) => process.send?.(said));
});
// Whoever gave the orders is gone.
process.on("disconnect", () => process.exit(0));

async function answer(order: Order): Promise<Answer> {
  try {
    await carryOut(order);
    return {};
  } catch (error) {
    return { failed: wordsOf(error) };
  }
}

async function carryOut(order: Order): Promise<void> {
  switch (order.do) {
    case "open":
      db = await open(order.opening);
      return;
    case "begin":
      if (db === undefined) throw new Error("No client is open.");
      waiting = await begin(db);
      await waiting.block.insert(order.number);
      return;
    case "block-loop":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
      return;
    case "go-on":
      if (waiting === undefined) throw new Error("No block is open.");
      await goOn(waiting, order.number);
  }
}

async function open(opening: Opening): Promise<OpenClient> {
  const { serverId, url, directUrl, options, guarded } = opening;
  const client = clients.find(({ id }) => id === opening.client);
  const spec = servers.find(({ id }) => id === serverId);
  if (client === undefined || spec === undefined) throw new Error("Not of this suite.");
  return await client.open(openOptions({ spec, url, directUrl }, options, guarded));
}

function begin(on: OpenClient): Promise<Waiting> {
  return new Promise((resolve, reject) => {
    const exit = door();
    const ended = on.block(async (block) => {
      resolve({
        block,
        end: () => {
          exit.open();
          return ended;
        },
      });
      await exit.opened;
    });
    ended.catch(reject);
  });
}

/** The statement's own error tells why; the block's may be that of a ROLLBACK that came too late. */
async function goOn({ block, end }: Waiting, number: string): Promise<void> {
  try {
    await block.insert(number);
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
  await end();
}
