import type { PgClient } from "../driver/pg-internals.ts";
import { loginOf } from "./login.ts";

/** A statement for a connection that is still to be made. */
export interface FirstStatement {
  /** A text, or a config with one; see {@link canBeFirst}. */
  readonly config: unknown;
  readonly values?: unknown;
  /**
   * Called once, with the result or an error, whatever becomes of the connection: the login's error, or
   * one that says so, where the statement was not sent, and `…/outcome-unknown` where it was sent with
   * the login and not answered.
   */
  readonly callback: (error: unknown, result?: unknown) => void;
  /** Called in its place where the connection could not be opened and the statement was not sent. */
  readonly onUnsent?: (error: unknown) => void;
}

/** How {@link openClient} opens. */
export interface OpenOptions {
  /** Sent with the last message of the login where that may be pipelined, else when the login is done. */
  readonly first?: FirstStatement;
}

/** True for a statement that can be asked again of another client: no cursor, no callback of its own. */
export function canBeFirst(config: unknown): boolean {
  if (typeof config === "string") return true;
  if (typeof config !== "object" || config === null) return false;
  // A text that its caller gives up would be answered to somebody else: see `sendFinal`.
  const isPlain = !("submit" in config) && !("callback" in config) && !("query_timeout" in config);
  return "text" in config && isPlain;
}

/**
 * Makes a guarded client and connects it. With `connections.pipelineHandshake` the login is pipelined
 * where it may be; a server that wants another login than SCRAM, or no TLS session of before, is
 * connected to a second time without that, by another client of `make`, and nobody hears of the first
 * one: no statement has been sent by then. Rejects as `connect()` does.
 */
export async function openClient(
  make: () => PgClient,
  { first }: OpenOptions = {},
): Promise<PgClient> {
  const client = makeFor(first, make);
  const login = loginOf(client);
  login?.allowPipelining();
  const attempt = connectWith(client, first);
  try {
    await attempt.connected;
    return client;
  } catch (error) {
    if (login?.needsAnother !== true) {
      attempt.fail(error, login?.hasSentStatement === true);
      throw error;
    }
  }
  attempt.abandon();
  // A second socket beside the first would be one more than its pool may have.
  await attempt.closed;
  const plain = makeFor(first, make);
  const second = connectWith(plain, first);
  try {
    await second.connected;
    return plain;
  } catch (error) {
    second.fail(error, false);
    throw error;
  }
}

/** A client that cannot be made is the statement's error as well: nobody else would answer it. */
function makeFor(first: FirstStatement | undefined, make: () => PgClient): PgClient {
  try {
    return make();
  } catch (error) {
    if (first !== undefined) tellUnsent(first, error);
    throw error;
  }
}

interface Attempt {
  readonly connected: Promise<unknown>;
  /** The socket is closed; of an attempt that has failed it is destroyed already. */
  readonly closed: Promise<unknown>;
  /** The statement is asked of another client; what this one says of it is not passed on. */
  abandon(): void;
  /** Answers the statement, unless it was sent: then the connection's guard knows what to say of it. */
  fail(error: unknown, isSent: boolean): void;
}

function connectWith(client: PgClient, first: FirstStatement | undefined): Attempt {
  let answer = first?.callback;
  const settle: FirstStatement["callback"] = (error, result) => {
    const call = answer;
    answer = undefined;
    call?.(error, result);
  };
  const closed = new Promise((resolve) => client.once("end", resolve));
  let connected: Promise<unknown>;
  try {
    connected = Promise.resolve(client.connect());
  } catch (error) {
    // A class of the service's, or what its options ask of it: whoever waits hears of that in either form.
    connected = Promise.reject(error);
  }
  try {
    if (first !== undefined) client.query(first.config, first.values, settle);
  } catch (error) {
    settle(error);
  }
  return {
    connected,
    closed,
    abandon: () => {
      answer = undefined;
    },
    fail: (error, isSent) => {
      if (isSent || answer === undefined || first === undefined) return;
      answer = undefined;
      tellUnsent(first, error);
    },
  };
}

function tellUnsent({ callback, onUnsent }: FirstStatement, error: unknown): void {
  if (onUnsent === undefined) callback(error);
  else onUnsent(error);
}
