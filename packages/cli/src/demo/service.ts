import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import type { Policy } from "@doorpolicy/core";

import type { Bookings } from "./bookings.ts";
import { type DayRequest, type RequestKind, rowsOf } from "./day.ts";
import { demoPolicy } from "./demo-policy.ts";
import type { Answer, ServiceMessage } from "./messages.ts";
import { requestFrom } from "./messages.ts";

/** A little more than the parent gives it, which then kills it. */
const STOP_TIMEOUT_MS = 12_000;

/** Which ORM a service of the demo is written with. */
export type Orm = "typeorm" | "prisma";

/** How one service of the demo is started. */
export interface ServiceOptions {
  readonly orm: Orm;
  readonly policy: boolean;
  readonly poolerVersion: string;
  /** Name of this run: the app of the connection name, and the `service` column of every row. */
  readonly service: string;
  readonly url: string;
}

/**
 * Runs one service until its parent says stop or goes away: a small HTTP server on a port that the
 * kernel chooses, which tells its parent the port and every violation.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const bookings = await openBookings(options);
  const server = createServer((request, response) => {
    void answer(bookings, request, response);
  });
  const port = await listen(server);

  const stopped = new Promise<void>((resolve) => {
    process.once("message", () => resolve());
    // Without its parent nobody would ever stop this process.
    process.once("disconnect", () => resolve());
  });
  tell({ kind: "listening", port });
  await stopped;

  // Nobody waits for a service whose servers are gone; unref'ed, so that it delays nothing.
  setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
  server.close();
  server.closeAllConnections();
  await bookings.close();
  if (process.connected) process.disconnect();
}

async function openBookings(options: ServiceOptions): Promise<Bookings> {
  const open = { url: options.url, service: options.service, policy: policyOf(options) };
  if (options.orm === "typeorm") {
    const { openTypeormBookings } = await import("./service-typeorm.ts");
    return openTypeormBookings(open);
  }
  const { openPrismaBookings } = await import("./service-prisma.ts");
  return openPrismaBookings(open);
}

function policyOf(options: ServiceOptions): Policy | undefined {
  if (!options.policy) return undefined;

  return demoPolicy(
    options.service,
    { version: options.poolerVersion, mode: "transaction" },
    ({ rule, action }) => tell({ kind: "violation", rule, action }),
  );
}

async function answer(
  bookings: Bookings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answered = await text(request)
    .then((body) => book(bookings, requestFrom(body)))
    .catch((error: unknown) => failure(error));
  response.writeHead(answered.error === undefined ? 200 : 500, {
    "content-type": "application/json",
  });
  response.end(JSON.stringify(answered));
}

/** What each kind of request does. Its rows are acknowledged when it resolves, but for a leak. */
const handlers: Readonly<
  Record<RequestKind, (bookings: Bookings, label: string, rows: readonly string[]) => Promise<void>>
> = {
  write: (bookings, label) => bookings.write(label),
  block: (bookings, _, rows) => bookings.block(rows),
  throw: (bookings, label) => bookings.throwing(label),
  swallow: (bookings, label) => bookings.swallowing(label),
  leak: (bookings, label) => bookings.leaking(label),
  begin: (bookings) => bookings.bareBegin(),
};

async function book(bookings: Bookings, request: DayRequest): Promise<Answer> {
  const rows = rowsOf(request);
  await handlers[request.kind](bookings, request.label, rows);

  return request.kind === "leak"
    ? { acknowledged: [], leftOpen: rows }
    : { acknowledged: rows, leftOpen: [] };
}

function failure(error: unknown): Answer {
  return {
    acknowledged: [],
    leftOpen: [],
    error: error instanceof Error ? error.message : "failed",
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("No port was given."));
      else resolve(address.port);
    });
  });
}

function tell(message: ServiceMessage): void {
  if (process.connected) process.send?.(message);
}
