import { after, cancel } from "../clock.ts";
import type { OpenBlock } from "./open-block.ts";
import {
  awaitsReady,
  hasActiveQuery,
  isSettled,
  isUnusable,
  type PgClient,
} from "../driver/pg-internals.ts";
import type { Settling } from "./settle.ts";

/** How long the server may take to close its side after a goodbye, before the socket is destroyed. */
const GOODBYE_MS = 5_000;

/** What the closing of a connection needs of it. */
export interface ClosingHost {
  block(): OpenBlock | undefined;
  isGone(): boolean;
  /** True when what runs can be cancelled, or an open portal closed. */
  mayFree(): boolean;
  refuseStatements(): void;
  /** Without a grace for what runs: who closes waits for nothing. */
  comeToRest(): Promise<Settling>;
  rollBackLeftOpen(block: OpenBlock): Promise<unknown>;
  reportClosed(block: OpenBlock): void;
  sayGoodbye(): Promise<void>;
}

/** How a connection is closed: with the goodbye of a client that is outside of everything, wherever that can be had. */
export class Closing {
  readonly #client: PgClient;
  readonly #host: ClosingHost;
  #underWay: Promise<void> | undefined;

  constructor(client: PgClient, host: ClosingHost) {
    this.#client = client;
    this.#host = host;
  }

  /** True when closing needs no care: nothing is open that a goodbye would leave to the pooler. */
  get canBeAtOnce(): boolean {
    if (this.#underWay !== undefined) return false;
    if (isUnusable(this.#client)) return true;
    return this.#host.block() === undefined && !this.#isFailing() && !this.#isFreeable();
  }

  /** Rolls back what is open and closes, so that the pooler keeps its server connection. Never rejects. */
  close(): Promise<void> {
    return (this.#underWay ??= this.#close());
  }

  /** Destroys the socket if the server does not close it in time. */
  boundGoodbye(): void {
    if (this.#host.isGone()) return;
    const timer = after(GOODBYE_MS, () => this.#client.connection.stream.destroy());
    this.#client.once("end", () => cancel(timer));
  }

  async #close(): Promise<void> {
    this.#host.refuseStatements();
    if (this.#isFailing() || this.#isFreeable()) await this.#host.comeToRest();
    const block = this.#host.block();
    if (block !== undefined && !isUnusable(this.#client)) {
      if (isSettled(this.#client)) await this.#host.rollBackLeftOpen(block);
      // pg destroys the socket under a running statement: a goodbye would wait behind it.
      else this.#host.reportClosed(block);
    }
    if (this.#host.isGone()) return;
    this.boundGoodbye();
    await this.#host.sayGoodbye();
  }

  /** Between an error and its ReadyForQuery: a goodbye now would cost the pooler its server connection. */
  #isFailing(): boolean {
    return awaitsReady(this.#client) && !hasActiveQuery(this.#client);
  }

  #isFreeable(): boolean {
    return hasActiveQuery(this.#client) && this.#host.mayFree();
  }
}
