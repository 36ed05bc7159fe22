import { TLSSocket } from "node:tls";

import { now } from "../clock.ts";
import {
  bindsChannel,
  isEnding,
  type LoginConnection,
  loginConnectionOf,
  loginTargetOf,
} from "../driver/pg-login.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { KnownSession, TlsProfile, TlsStore } from "./tls-store.ts";

/**
 * The TLS of one connection, with what the others of its kind have made: their secure context, and the
 * last session of the server where one can be resumed.
 *
 * A resumed session does not show the server's certificate, which is why it is taken only from a
 * connection that was verified by the same options, and never where SCRAM is bound to the certificate.
 */
export class TlsLogin {
  readonly #client: PgClient;
  readonly #connection: LoginConnection;
  readonly #profile: TlsProfile;
  readonly #server: string;
  #offered: KnownSession | undefined;
  #hasFailedResuming = false;

  constructor(client: PgClient, profile: TlsProfile) {
    const { host, port } = loginTargetOf(client);
    this.#client = client;
    this.#connection = loginConnectionOf(client);
    this.#profile = profile;
    this.#server = `${host} ${port}`;
    this.#prepare();
  }

  /** True when the certificate is verified, and its name by Node's own check. */
  get verifiesName(): boolean {
    return this.#profile.verifiesName;
  }

  /** True when the handshake has failed with a session on offer; without it, it may succeed. */
  get hasFailedResuming(): boolean {
    return this.#hasFailedResuming;
  }

  #prepare(): void {
    const connection = this.#connection;
    let disarm: (() => void) | undefined;
    const arm = (): void => {
      disarm = this.#arm();
      // Where pg could not begin, too: nobody else is shown the session.
      queueMicrotask(disarm);
    };
    connection.once("connect", () => {
      if (connection.sslNegotiation === "direct") arm();
      // pg reads its options at the server's one byte, right behind this listener.
      else connection.stream.prependOnceListener("data", arm);
    });
    connection.once("sslconnect", () => {
      disarm?.();
      if (connection.stream instanceof TLSSocket) this.#watch(connection.stream);
    });
  }

  /** Hands pg the context and the session for the moment in which it makes the TLS socket. */
  #arm(): () => void {
    const connection = this.#connection;
    const { ssl } = connection;
    const profile = this.#profile;
    let secureContext: object;
    try {
      secureContext = profile.context();
    } catch {
      // pg meets the same error, and says it in its own way.
      return () => undefined;
    }
    this.#offered = bindsChannel(this.#client) ? undefined : profile.offer(this.#server);
    // A copy: Node keeps the options of a socket where anybody can print them.
    const session = this.#offered && Buffer.from(this.#offered.session);
    connection.ssl = { ...profile.options, secureContext, ...(session && { session }) };
    return () => {
      connection.ssl = ssl;
      session?.fill(0);
    };
  }

  /** pg marks the connection, and not its client, where a login takes longer than it may: another would as well. */
  get #isGivenUp(): boolean {
    return isEnding(this.#client) || Reflect.get(this.#connection, "_ending") === true;
  }

  #watch(socket: TLSSocket): void {
    if (bindsChannel(this.#client)) return;
    const offered = this.#offered;
    let verifiedAt: number | undefined;
    let early: Buffer | undefined;
    const keep = (session: Buffer): void => {
      if (verifiedAt === undefined) early = session;
      else this.#profile.keep(this.#server, { session, verifiedAt });
    };
    // In TLS 1.3 it comes after the handshake, in 1.2 within.
    socket.on("session", keep);
    // Only when the certificate was verified, where it is to be.
    socket.once("secureConnect", () => {
      verifiedAt = offered !== undefined && socket.isSessionReused() ? offered.verifiedAt : now();
      if (offered !== undefined) this.#profile.resumed(this.#server, true);
      if (early !== undefined) keep(early);
    });
    if (offered === undefined) return;
    const failed = (): void => {
      if (verifiedAt !== undefined || this.#hasFailedResuming || this.#isGivenUp) return;
      this.#hasFailedResuming = true;
      this.#profile.resumed(this.#server, false);
    };
    socket.once("error", failed);
    socket.once("close", failed);
  }
}

/** The TLS of a client that is about to connect; `undefined` without TLS, and where it is left to pg. */
export function tlsLoginOf(client: PgClient, store: TlsStore): TlsLogin | undefined {
  const connection = loginConnectionOf(client);
  if (!connection.ssl) return undefined;
  const profile = store.profileOf(connection.ssl, connection.constructor);
  return profile && new TlsLogin(client, profile);
}
