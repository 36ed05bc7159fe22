import { after, cancel } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { openClient } from "../login/open-client.ts";
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
}

/**
 * Connects, and resolves when the server has answered `LISTEN`: what is sent from then on is heard.
 * Rejects, with nothing left open, where it does not connect within the policy's `acquireTimeoutMs` or
 * is not answered within `livenessTimeoutMs`.
 */
export async function openListenConnection(
  direct: DirectLane,
  text: string,
  livenessTimeoutMs: number,
  events: ListenEvents,
): Promise<ListenConnection> {
  const client = await openClient(() => direct.makeClient());
  let error: unknown;
  let isClosing = false;
  const closed = new Promise((resolve) => client.once("end", resolve));
  client.on("error", (reason: unknown) => (error ??= reason));
  client.on("notification", ({ channel, payload, processId }: Notification) => {
    if (!isClosing) events.onNotification({ channel, payload, processId });
  });
  try {
    await answered(client, text, livenessTimeoutMs);
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
  };
}

async function answered(client: PgClient, text: string, withinMs: number): Promise<void> {
  const timer = after(withinMs, () => {
    client.connection.stream.destroy(
      new Error(`The server has not answered LISTEN within ${withinMs} ms.`),
    );
  });
  try {
    await client.query(text);
  } finally {
    cancel(timer);
  }
}
