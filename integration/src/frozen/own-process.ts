import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ClientId } from "../client.ts";
import type { RunningServer } from "../running-server.ts";
import type { ScenarioOpen } from "../scenario.ts";
import type { Answer, Order } from "./messages.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

const SOURCE = "@doorpolicy/source";

/** The packages as this process has them: their sources where it was started so, else what is built. */
const PACKAGES = process.execArgv.includes(SOURCE) ? ["-C", SOURCE] : [];

/** The client under test in a process that can be frozen. */
export interface OwnProcess extends AsyncDisposable {
  /** Opens a block, writes an invoice in it, and leaves it open. */
  begin(number: string): Promise<void>;
  /** Asks it to keep its event loop from turning for so long; resolves when it turns again. */
  blockLoop(ms: number): Promise<void>;
  /** Writes in the open block and ends it. Resolves to the texts of its error, or to none. */
  goOn(number: string): Promise<readonly string[]>;
  /** Stops it as a debugger or a paused machine does, or lets it go on. */
  freeze(): void;
  thaw(): void;
}

/** Starts a process of its own and opens the client there. */
export async function startOwnProcess({
  client,
  server,
  options: { through, ...options },
  guarded,
}: {
  readonly client: ClientId;
  readonly server: RunningServer;
  readonly options: ScenarioOpen;
  readonly guarded: boolean;
}): Promise<OwnProcess> {
  if (through !== undefined) throw new Error("A process of its own takes no proxy.");
  const child = fork(CHILD, {
    execArgv: ["--import", "tsx", ...PACKAGES],
    // A terminal's Ctrl-C is for whoever gives the orders.
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");

  /** Answers come in the order of the orders. */
  async function ask(order: Order): Promise<Answer> {
    const answered = once(child, "message").then(([answer]): Answer => answer);
    child.send(order);
    const gone = ended.then(([code, signal]): never => {
      throw new Error(`The process of the client ended with ${code ?? signal}.`);
    });
    return await Promise.race([answered, gone]);
  }

  async function mustWork(order: Order): Promise<void> {
    const { failed } = await ask(order);
    if (failed !== undefined) throw new Error(failed.join(" <- "));
  }

  const dispose = async (): Promise<void> => {
    // A process that is stopped takes no other signal.
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  };
  try {
    const { spec, url, directUrl } = server;
    await mustWork({
      do: "open",
      opening: { client, serverId: spec.id, url, directUrl, options, guarded },
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    begin: (number) => mustWork({ do: "begin", number }),
    blockLoop(ms) {
      // A scenario that has failed does not wait for it any more.
      const turning = mustWork({ do: "block-loop", ms });
      turning.catch(() => undefined);
      return turning;
    },
    goOn: async (number) => (await ask({ do: "go-on", number })).failed ?? [],
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    [Symbol.asyncDispose]: dispose,
  };
}
