import type { ClientId } from "../client.ts";
import type { ServerSpec } from "../server.ts";
import type { ScenarioOpen } from "../scenario.ts";

/** What a process has to know to open the client under test. All of it is JSON. */
export interface Opening {
  readonly client: ClientId;
  readonly serverId: ServerSpec["id"];
  readonly url: string;
  readonly directUrl: string;
  readonly options: Omit<ScenarioOpen, "through">;
  readonly guarded: boolean;
}

/** What a process is asked to do, one order after another. */
export type Order =
  /** Opens the client. */
  | { readonly do: "open"; readonly opening: Opening }
  /** Opens a block of the client, writes in it, and leaves it open. */
  | { readonly do: "begin"; readonly number: string }
  /** Keeps the event loop from turning. */
  | { readonly do: "block-loop"; readonly ms: number }
  /** Writes in the open block, and ends it. */
  | { readonly do: "go-on"; readonly number: string };

/** The answer to an order. */
export interface Answer {
  /** The error's own text, and those of what it wraps, with their codes; absent where it worked. */
  readonly failed?: readonly string[];
}
