import { once } from "node:events";
import { connect, createServer } from "node:net";
import { TestbedError } from "../errors.ts";
import { LOOPBACK } from "../run/port.ts";
import { knownKeys, wholeFrom } from "./check.ts";
import { OwnConnection, type ProxyConnection } from "./connection.ts";
import type { ProxyMessage } from "./facts.ts";
import { RuleBook, type FaultAction, type FaultCondition, type FaultRule } from "./rules.ts";
import { targetFrom, withHost, type ProxyTarget } from "./target.ts";
import { Transcript } from "./transcript.ts";

/** What {@link startFaultProxy} has to know. */
export interface FaultProxyOptions {
  /** A PostgreSQL URL, of which host and port are taken, or these two. */
  readonly target: string | ProxyTarget;
  /**
   * How many messages {@link FaultProxy.seen} keeps; the oldest go first. 0: none, and then only heads
   * of messages are looked at unless a rule wants more.
   *
   * @default 10_000
   */
  readonly transcript?: number;
}

/** A proxy that passes PostgreSQL's protocol on, until a rule says otherwise. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Live connections in the order in which they came; what was cut is none any more. */
  readonly connections: readonly ProxyConnection[];
  /**
   * Messages in the order in which they reached the proxy, also those that it did not pass on
   * (`met` says so). What is encrypted, or comes after a black hole or a cut, is not here. SQL is here
   * with its literals, passwords and values of parameters are not.
   */
  readonly seen: readonly ProxyMessage[];
  /** How many messages `seen` has lost to its limit since the last `clear()`. */
  readonly dropped: number;
  /** The URL with the proxy's host and port; everything else in it stays. Throws `testbed/invalid-option`. */
  url(originalUrl: string): string;
  /**
   * Puts a rule in force, for messages that come from now on. Where several act on one message, they
   * do so in the order in which they were made, until one of them ends the connection.
   *
   * Throws `testbed/invalid-option`, and `testbed/stopped` after `stop()`.
   */
  when(condition: FaultCondition, action: FaultAction): FaultRule;
  /** Empties `seen`. */
  clear(): void;
  /**
   * Closes every connection and the port, and ends every rule. May be called again; resolves when all
   * sockets are closed.
   */
  stop(): Promise<void>;
}

/**
 * Starts a TCP proxy on a port of 127.0.0.1 that the kernel chooses. It understands PostgreSQL's protocol
 * version 3 in both directions, so that a connection can be cut, delayed, held or black-holed at any
 * message. Where the client turns on TLS, bytes pass as they are, and only whole connections can be cut.
 *
 * A server that cannot be reached shows as a reset connection. Back-pressure passes through. A running
 * proxy keeps the process alive, as a listening server does; its delays do not.
 *
 * Throws `testbed/invalid-option`.
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  knownKeys("", options, ["target", "transcript"]);
  const { transcript: limit = 10_000 } = options;
  wholeFrom(0, "transcript", limit);
  const target = targetFrom(options.target);
  const rules = new RuleBook();
  const transcript = new Transcript(limit);
  const live = new Set<OwnConnection>();
  const open = new Map<OwnConnection, Promise<void>>();
  let accepted = 0;

  // Half-open: a side that has said all it has to say may still listen, as without a proxy.
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    accepted += 1;
    const connection = new OwnConnection(client, server, {
      number: accepted,
      rules,
      transcript,
      onGone: (gone) => void live.delete(gone),
    });
    live.add(connection);
    open.set(
      connection,
      connection.closed.then(() => void open.delete(connection)),
    );
  });
  listener.listen({ port: 0, host: LOOPBACK, exclusive: true });
  await once(listener, "listening");
  const address = listener.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;

  let stopping: Promise<void> | undefined;
  const stopNow = async (): Promise<void> => {
    const closed = once(listener, "close");
    listener.close();
    rules.removeAll();
    for (const connection of open.keys()) connection.destroy();
    await Promise.all([closed, ...open.values()]);
  };
  const stop = (): Promise<void> => (stopping ??= stopNow());

  return {
    host: LOOPBACK,
    port,
    get connections() {
      return [...live].map(({ view }) => view);
    },
    get seen() {
      return transcript.read();
    },
    get dropped() {
      return transcript.dropped;
    },
    url: (originalUrl) => withHost(originalUrl, { host: LOOPBACK, port }),
    when(condition, action) {
      if (stopping !== undefined) throw stopped();
      return rules.add(condition, action);
    },
    clear: () => transcript.clear(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function stopped(): TestbedError {
  return new TestbedError(
    "testbed/stopped",
    "The fault proxy has been stopped; no message will come.",
    "Make rules before `stop()`.",
  );
}
