import type { Socket } from "node:net";
import { checkCut } from "./check.ts";
import { Flow } from "./flow.ts";
import { newWire, type Wire } from "./framer.ts";
import type { CutKind, RuleBook } from "./rules.ts";
import type { Transcript } from "./transcript.ts";

/** A client's connection through the proxy, from its coming until it is cut or both sides have closed. */
export interface ProxyConnection {
  /** From 1, in the order in which clients came. */
  readonly number: number;
  /** Parameters of the startup packet; `undefined` before it came, and with TLS. */
  readonly startup: Readonly<Record<string, string>> | undefined;
  /** Encrypted, or not PostgreSQL's protocol: no rule applies, `cut` and `blackHole` do. */
  readonly opaque: boolean;
  readonly blackHoled: boolean;
  /** Closes both sides, now: what waits for a rule or a slow reader is lost. @default "fin" */
  cut(kind?: CutKind): void;
  /** Passes nothing on any more, in either direction; both sockets stay open. */
  blackHole(): void;
}

/** What a connection gets from its proxy. */
export interface ConnectionContext {
  readonly number: number;
  readonly rules: RuleBook;
  readonly transcript: Transcript;
  /** It is no live connection any more; its sockets may still be closing. */
  onGone(connection: OwnConnection): void;
}

/** Two sockets and the flows between them. */
export class OwnConnection {
  readonly number: number;
  readonly rules: RuleBook;
  readonly transcript: Transcript;
  readonly wire: Wire = newWire();
  readonly view: ProxyConnection;
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<void>;
  #startup: Readonly<Record<string, string>> | undefined;
  #state: "open" | "blackHoled" | "ending" = "open";
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #flows: readonly Flow[];
  readonly #context: ConnectionContext;

  constructor(client: Socket, server: Socket, context: ConnectionContext) {
    this.number = context.number;
    this.rules = context.rules;
    this.transcript = context.transcript;
    this.#context = context;
    this.#client = client;
    this.#server = server;
    this.#flows = [
      new Flow("client", client, server, this),
      new Flow("server", server, client, this),
    ];
    this.closed = Promise.all([this.#watch(client), this.#watch(server)]).then(() => this.#leave());
    this.view = this.#makeView();
  }

  sawStartup(parameters: Readonly<Record<string, string>>): void {
    this.#startup = Object.freeze(parameters);
  }

  blackHole(): void {
    if (this.#state !== "open") return;
    this.#state = "blackHoled";
    for (const flow of this.#flows) flow.swallow();
  }

  /** Closes both sockets without a word; `closed` says when. */
  destroy(): void {
    this.#leave();
    this.#client.destroy();
    this.#server.destroy();
  }

  /** Ends both sides. What was written to a socket before is with the kernel, unless its reader is slow. */
  cut(kind: CutKind): void {
    this.#leave();
    if (kind === "rst") {
      this.#reset();
      return;
    }
    this.#client.end();
    this.#server.end();
  }

  #reset(): void {
    for (const socket of [this.#client, this.#server]) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #leave(): void {
    if (this.#state === "ending") return;
    this.#state = "ending";
    for (const flow of this.#flows) flow.swallow();
    this.#context.onGone(this);
  }

  /** Resolves when the socket is closed. */
  #watch(socket: Socket): Promise<void> {
    socket.on("error", () => {
      // A reset, or a server that is not there: the other side sees it as a reset too.
      if (this.#state !== "open") return;
      this.#leave();
      this.#reset();
    });
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  #makeView(): ProxyConnection {
    const startup = (): Readonly<Record<string, string>> | undefined => this.#startup;
    const { number, wire } = this;
    const blackHoled = (): boolean => this.#state === "blackHoled";
    return {
      number,
      get startup() {
        return startup();
      },
      get opaque() {
        return wire.opaque;
      },
      get blackHoled() {
        return blackHoled();
      },
      cut: (kind) => this.cut(checkCut(kind)),
      blackHole: () => this.blackHole(),
    };
  }
}
