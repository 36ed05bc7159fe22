import { randomBytes } from "node:crypto";

import { submitEarly } from "../driver/early-query.ts";
import {
  hasQueryTimeout,
  type PgClient,
  type PgClientConstructor,
  type PgQuery,
} from "../driver/pg-internals.ts";
import {
  aroundStartup,
  beginSasl,
  firstQueryOf,
  type LoginConnection,
  loginConnectionOf,
  loginTargetOf,
  resolvePassword,
} from "../driver/pg-login.ts";
import { mayBeMisread } from "../statements/reading.ts";
import type { TlsLogin } from "./tls-login.ts";

const MECHANISM = "SCRAM-SHA-256";

/**
 * A login that does not wait for what it knows will be asked: the first SASL message travels with the
 * startup packet, and the first statement with the last SASL message, 3 round trips instead of 5.
 *
 * | state | the server asks for SCRAM | for something else, or lets in | refuses | proof ready |
 * | --- | --- | --- | --- | --- |
 * | off | pg's own steps | pg's own steps | – | the statement waits for ReadyForQuery |
 * | sent | → agreed | → given up: a fresh connection starts over without this | off for this target | – |
 * | agreed | – | refused: no second login | the statement was not run | written with the statement |
 */
export class PipelinedHandshake {
  readonly #client: PgClient;
  readonly #connection: LoginConnection;
  readonly #tls: TlsLogin | undefined;
  #state: "off" | "sent" | "agreed" | "given-up" = "off";
  #hasPassword = false;
  #onPassword: (() => void) | undefined;
  #takeBack: (() => void) | undefined;
  #hasSentStatement = false;

  constructor(client: PgClient, tls: TlsLogin | undefined) {
    this.#client = client;
    this.#connection = loginConnectionOf(client);
    this.#tls = tls;
    aroundStartup(this.#connection, (send) => this.#start(send));
  }

  /** True while nobody knows whether the server asks for what was sent. */
  get isUnanswered(): boolean {
    return this.#state === "sent";
  }

  /** True when the server wanted another login, and none of the application's statements were sent. */
  get isGivenUp(): boolean {
    return this.#state === "given-up";
  }

  /** True when a statement was written with the login, whatever has become of it. */
  get hasSentStatement(): boolean {
    return this.#hasSentStatement;
  }

  /** The server asks for a SASL login. True when that was answered before it was asked. */
  agree(mechanisms: unknown): boolean {
    if (this.#state !== "sent" || !Array.isArray(mechanisms)) return false;
    if (!mechanisms.includes(MECHANISM)) return false;
    this.#state = "agreed";
    resolvePassword(this.#client, () => {
      this.#hasPassword = true;
      this.#onPassword?.();
    });
    return true;
  }

  /** Calls `action` when pg has the password: at once, unless it has to ask for it. */
  withPassword(action: () => void): void {
    if (this.#state !== "agreed" || this.#hasPassword) action();
    else this.#onPassword = action;
  }

  /** The server has something else in mind. */
  giveUp(): void {
    this.#state = "given-up";
  }

  /** Sends the last SASL message, and with it the statement that is waiting, if there is one. */
  sendFinal(send: () => void): void {
    // Given up by pg before the login is done, it would leave pg's queue, and its answer go to the next one.
    const isAwaited = !hasQueryTimeout(this.#client, undefined);
    const first = isAwaited && this.#isConfidential() ? firstQueryOf(this.#client) : undefined;
    const query = mayBeMisread(this.#client, first?.text ?? "") ? undefined : first;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by the guarded class.
    const { Query } = this.#client.constructor as PgClientConstructor;
    inOneWrite(this.#connection, () => {
      send();
      if (this.#state !== "agreed" || !(query instanceof Query)) return;
      this.#takeBack = submitEarly(this.#client, query);
      this.#hasSentStatement = this.#takeBack !== undefined;
    });
    if (this.#hasSentStatement && query !== undefined) this.#holdToQueue(query);
  }

  /** What was sent is answered to whatever stands first in pg's queue: another than that ends the connection. */
  #holdToQueue(query: PgQuery): void {
    this.#connection.prependOnceListener("readyForQuery", () => {
      if (!this.#hasSentStatement || firstQueryOf(this.#client) === query) return;
      const text =
        "The statement that was sent with the login has left the queue of its connection.";
      this.#connection.emit("error", new Error(text));
      this.#connection.stream.destroy();
    });
  }

  /** The server has refused the login, after which it runs nothing. */
  refuse(): void {
    if (this.#takeBack === undefined) return;
    this.#takeBack();
    this.#hasSentStatement = false;
  }

  #start(startup: () => void): void {
    if (!this.#isConfidential()) {
      startup();
      return;
    }
    const clientNonce = randomBytes(18).toString("base64");
    const response = `n,,n=*,r=${clientNonce}`;
    const message = "SASLInitialResponse";
    beginSasl(this.#client, { mechanism: MECHANISM, clientNonce, response, message });
    inOneWrite(this.#connection, () => {
      startup();
      this.#connection.sendSASLInitialResponseMessage(MECHANISM, response);
    });
    this.#state = "sent";
  }

  /** A statement follows before the server has proved itself: nobody else may be able to listen or answer. */
  #isConfidential(): boolean {
    const { stream } = this.#connection;
    if (this.#tls !== undefined) {
      // Unset until the handshake is done, which nothing that is written here overtakes.
      return this.#tls.verifiesName && (this.#state === "off" || stream.authorized === true);
    }
    if (this.#connection.ssl) return false;
    return loginTargetOf(this.#client).host.startsWith("/") || isLoopback(stream.remoteAddress);
  }
}

function inOneWrite({ stream }: LoginConnection, write: () => void): void {
  stream.cork?.();
  try {
    write();
  } finally {
    stream.uncork?.();
  }
}

/** True for an address that never leaves this machine. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address);
}
