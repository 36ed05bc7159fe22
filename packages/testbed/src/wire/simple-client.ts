import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import {
  clientMessage,
  columnNames,
  cstring,
  errorFields,
  int32,
  messageReader,
  rowValues,
  sslRequest,
  startupMessage,
  type ServerMessage,
} from "./messages.ts";
import { md5Response, startScram } from "./scram.ts";

/** Whom to talk to, and as whom. */
export interface SimpleTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Ask for TLS first, and take it or leave it as the server says. The certificate is our own. */
  readonly tls?: boolean;
}

/** A row as the server printed it. */
export type TextRow = Readonly<Record<string, string | null>>;

/** A connection that speaks the simple query protocol, which is all that admin consoles understand. */
export interface SimpleClient {
  /** Rows of the last statement of `text`; rejects with the server's message. */
  query(text: string): Promise<TextRow[]>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;

/** The server closed the connection, as the last act of `SHUTDOWN` and others. */
export class ConnectionClosed extends Error {}

/** What the server answered instead of rows. */
export class ServerRefusal extends Error {
  readonly sqlState: string;
  constructor(fields: Readonly<Record<string, string>>) {
    super(fields["M"] ?? "refused without a message");
    this.sqlState = fields["C"] ?? "";
  }
}

/** Opens one, logged in by whatever method the server asks for. */
export async function openSimpleClient(target: SimpleTarget): Promise<SimpleClient> {
  const socket = await openSocket(target);
  const inbox = inboxOf(socket);
  try {
    const { user, database } = target;
    socket.write(startupMessage({ user, database, application_name: "doorpolicy-testbed" }));
    await logIn(socket, inbox, target);
    while ((await inbox.next()).type !== "Z");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    async query(text) {
      socket.write(clientMessage("Q", text));
      return readRows(inbox);
    },
    async close() {
      if (socket.destroyed) return;
      // Not events.once(): Odyssey answers a goodbye with a reset, which is no error any more.
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.end(clientMessage("X"));
      await closed;
    },
  };
}

async function openSocket({ host, port, tls = false }: SimpleTarget): Promise<Socket> {
  const plain = connectTcp({ host, port, noDelay: true });
  plain.setTimeout(TIMEOUT_MS, () => plain.destroy(new Error("the server did not answer in time")));
  await once(plain, "connect");
  if (!tls) return plain;
  plain.write(sslRequest);
  const [answer]: unknown[] = await once(plain, "data");
  if (String(answer) !== "S") return plain;
  const secure = connectTls({ socket: plain, rejectUnauthorized: false });
  await once(secure, "secureConnect");
  return secure;
}

interface Inbox {
  next(): Promise<ServerMessage>;
}

function inboxOf(socket: Socket): Inbox {
  const read = messageReader();
  const ready: ServerMessage[] = [];
  let ended: Error | undefined;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  socket.on("data", (chunk: Buffer) => {
    ready.push(...read(chunk));
    notify();
  });
  socket.on("error", (error) => {
    ended ??= error;
    notify();
  });
  socket.on("close", () => {
    ended ??= new ConnectionClosed("the server closed the connection");
    notify();
  });
  return {
    async next() {
      for (;;) {
        const message = ready.shift();
        if (message !== undefined) return message;
        if (ended !== undefined) throw ended;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

async function logIn(
  socket: Socket,
  inbox: Inbox,
  { user, password }: SimpleTarget,
): Promise<void> {
  const scram = startScram(password);
  for (;;) {
    const { type, body } = await inbox.next();
    if (type === "E") throw new ServerRefusal(errorFields(body));
    if (type !== "R") continue;
    const data = body.subarray(4);
    const method = body.readInt32BE(0);
    if (method === 0) return;
    if (method === 3) socket.write(clientMessage("p", password));
    else if (method === 5) socket.write(clientMessage("p", md5Response(user, password, data)));
    else if (method === 10) {
      const first = Buffer.from(scram.first);
      socket.write(clientMessage("p", cstring("SCRAM-SHA-256"), int32(first.length), first));
    } else if (method === 11) {
      socket.write(clientMessage("p", Buffer.from(scram.final(data.toString("utf8")))));
    } else if (method === 12) scram.verify(data.toString("utf8"));
    else throw new Error(`the server asks for authentication method ${method}`);
  }
}

async function readRows(inbox: Inbox): Promise<TextRow[]> {
  let names: string[] = [];
  let rows: TextRow[] = [];
  let refusal: ServerRefusal | undefined;
  for (;;) {
    const { type, body } = await inbox.next();
    if (type === "T") {
      names = columnNames(body);
      rows = [];
    } else if (type === "D") {
      const values = rowValues(body);
      rows.push(Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])));
    } else if (type === "E") {
      const fields = errorFields(body);
      refusal = new ServerRefusal(fields);
      // No ReadyForQuery follows a FATAL error.
      if (fields["S"] === "FATAL") throw refusal;
    } else if (type === "Z") {
      if (refusal !== undefined) throw refusal;
      return rows;
    }
  }
}
