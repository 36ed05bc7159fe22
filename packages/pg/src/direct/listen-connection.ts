import { onAbort } from "../abort-signal.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { openClient } from "../login/open-client.ts";
import { answeredWithin } from "./answered-within.ts";
import type { DirectLane } from "./direct-lane.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Notification } from "./listen-options.ts";

/** What a listener's connection tells. */
export interface ListenEvents {
  onNotification(notification: Notification): void;
  /** Once, for a connection that listened; `close()` is no loss. */
  onLost(error: unknown): void;
}

/** One connection that listens, until it is lost or closed. */
export interface ListenConnection {
  /** Says goodbye to the server; resolves when the socket is closed. Never rejects. */
  close(): Promise<void>;
  /** Closes the socket without a word, also while it is being closed. */
  destroy(): void;
}

/** How {@link openListenConnection} opens. */
export interface ListenConnectionOptions {
  /** `LISTEN`, in one text. */
  readonly text: string;
  readonly livenessTimeoutMs: number;
  /** Aborted before it listens, it ends the attempt at once; afterwards it has no meaning. */
  readonly signal: AbortSignal;
}

/**
 * Connects, and resolves when the server has answered `LISTEN`: what is sent from then on is heard.
 * Rejects, with nothing left open, where it does not connect within the policy's `acquireTimeoutMs`, is
 * not answered within `livenessTimeoutMs`, or is not wanted any more.
 */
export async function openListenConnection(
  direct: DirectLane,
  { text, livenessTimeoutMs, signal }: ListenConnectionOptions,
  events: ListenEvents,
): Promise<ListenConnection> {
  let opening: PgClient | undefined;
  const forget = onAbort(signal, () => opening?.connection.stream.destroy());
  try {
    const client = await openClient(() => {
      // It may take a second one, where a pipelined login was not understood.
      signal.throwIfAborted();
      return (opening = direct.makeClient());
    });
    return await listening(client, text, livenessTimeoutMs, events);
  } finally {
    forget();
  }
}

async function listening(
  client: PgClient,
  text: string,
  livenessTimeoutMs: number,
  events: ListenEvents,
): Promise<ListenConnection> {
  let error: unknown;
  let isClosing = false;
  const closed = new Promise((resolve) => client.once("end", resolve));
  client.on("error", (reason: unknown) => (error ??= reason));
  client.on("notification", ({ channel, payload, processId }: Notification) => {
    if (!isClosing) events.onNotification({ channel, payload, processId });
  });
  try {
    await answeredWithin(client, livenessTimeoutMs, text);
  } catch (reason) {
    client.connection.stream.destroy();
    throw error ?? reason;
  }
  const heartbeat = new Heartbeat(client, livenessTimeoutMs, (reason) => {
    error ??= reason;
    client.connection.stream.destroy();
  });
  void closed.then(() => {
    heartbeat.stop();
    if (!isClosing) events.onLost(error ?? new Error("The server has closed the connection."));
  });
  return {
    close: async () => {
      isClosing = true;
      heartbeat.stop();
      // The guard's own goodbye is bounded, also where the other end is silent.
      void client.end();
      await closed;
    },
    destroy: () => {
      isClosing = true;
      client.connection.stream.destroy();
    },
  };
}
