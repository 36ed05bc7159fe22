import type { ProxyDirection, ProxyMessageName } from "./messages.ts";

/** What a message says, as far as it can be read without secrets and values. */
export interface MessageFacts {
  /** Of `Query` and `Parse`. To `match` in full up to 64 KiB, in `seen` the first 500 characters. */
  readonly sql?: string;
  /** Name of the prepared statement, of `Parse`, `Bind`, `Describe` and `Close`; absent when it has none. */
  readonly statement?: string;
  /** Name of the portal, of `Bind`, `Describe`, `Execute` and `Close`; absent when it has none. */
  readonly portal?: string;
  /** Of `CommandComplete`: `"COMMIT"`, `"INSERT 0 1"`. */
  readonly tag?: string;
  /**
   * Of `ReadyForQuery`: `"I"` idle, `"T"` in a transaction, `"E"` in a failed one. Of `SSLResponse` and
   * `GSSENCResponse`: the byte.
   */
  readonly status?: string;
  /** SQLSTATE of `ErrorResponse` and `NoticeResponse`. */
  readonly code?: string;
  /** Of `BackendKeyData` and `CancelRequest`; the secret beside it is not read. */
  readonly pid?: number;
  /** Of `Startup`: `user`, `database`, `application_name`, … */
  readonly startup?: Readonly<Record<string, string>>;
}

/** A message that went through the proxy, or was stopped by it. */
export interface ProxyMessage extends MessageFacts {
  /** Number of the connection, from 1 in the order in which clients came. */
  readonly connection: number;
  readonly direction: ProxyDirection;
  readonly message: ProxyMessageName;
  /** Length with type byte and length field; the sum where `times` is more than one. */
  readonly bytes: number;
  /** `DataRow`s and `CopyData`s in a row are one entry of `seen`; otherwise 1. */
  readonly times: number;
  /** The last thing that a rule did to it; absent when it passed untouched. */
  readonly met?: "cut" | "delay" | "truncate" | "blackHole" | "hold";
}

/** Body bytes that are read for `match`; longer SQL is cut there. */
const MATCH_BYTES = 65_536;

/** Body bytes that are read for the transcript alone: 500 characters of four bytes, behind a name. */
const HEAD_BYTES = 2_200;

/** Body bytes that facts of a message need. Rows, copied data and passwords are never looked at. */
const READ: Partial<Readonly<Record<ProxyMessageName, number>>> = {
  Query: MATCH_BYTES,
  Parse: MATCH_BYTES,
  Bind: 256,
  Describe: 256,
  Execute: 256,
  Close: 256,
  CommandComplete: 256,
  ReadyForQuery: 1,
  SSLResponse: 1,
  GSSENCResponse: 1,
  ErrorResponse: HEAD_BYTES,
  NoticeResponse: HEAD_BYTES,
  BackendKeyData: 4,
  CancelRequest: 8,
};

/** PostgreSQL reads no longer startup packet (`MAX_STARTUP_PACKET_LENGTH`). */
export const MAX_STARTUP_BYTES = 10_000;

/** How many bytes of the body have to be there before a message can be judged. */
export function bytesToRead(name: ProxyMessageName, forMatch: boolean, forSeen: boolean): number {
  // Always: it names the connection.
  if (name === "Startup") return MAX_STARTUP_BYTES;
  if (forMatch) return READ[name] ?? 0;
  return forSeen ? Math.min(READ[name] ?? 0, HEAD_BYTES) : 0;
}

/** Reads what {@link bytesToRead} asked for; `body` may end before the message does. */
export function readFacts(name: ProxyMessageName, body: Buffer): MessageFacts {
  switch (name) {
    case "Query":
      return { sql: textAt(body, 0).text };
    case "Parse": {
      const { text, end } = textAt(body, 0);
      return { ...named("statement", text), sql: textAt(body, end).text };
    }
    case "Bind": {
      const { text, end } = textAt(body, 0);
      return { ...named("portal", text), ...named("statement", textAt(body, end).text) };
    }
    case "Execute":
      return named("portal", textAt(body, 0).text);
    case "Describe":
    case "Close":
      return named(body[0] === 0x53 ? "statement" : "portal", textAt(body, 1).text);
    case "CommandComplete":
      return { tag: textAt(body, 0).text };
    case "ReadyForQuery":
    case "SSLResponse":
    case "GSSENCResponse":
      return { status: body.toString("latin1", 0, 1) };
    case "ErrorResponse":
    case "NoticeResponse":
      return { code: sqlState(body) };
    case "BackendKeyData":
      return body.length < 4 ? {} : { pid: body.readInt32BE(0) };
    case "CancelRequest":
      return body.length < 8 ? {} : { pid: body.readInt32BE(4) };
    case "Startup":
      return { startup: startupParameters(body) };
    default:
      return {};
  }
}

function named(key: "statement" | "portal", name: string): MessageFacts {
  return name === "" ? {} : { [key]: name };
}

function textAt(body: Buffer, at: number): { text: string; end: number } {
  const zero = body.indexOf(0, at);
  if (zero >= 0) return { text: body.toString("utf8", at, zero), end: zero + 1 };
  // Cut within the message, and perhaps within a character.
  const text = body.toString("utf8", at).replace(/\uFFFD+$/, "");
  return { text, end: body.length };
}

function sqlState(body: Buffer): string {
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const { text, end } = textAt(body, at);
    if (text.startsWith("C")) return text.slice(1);
    at = end;
  }
  return "";
}

function startupParameters(body: Buffer): Readonly<Record<string, string>> {
  const parameters: Record<string, string> = {};
  // After the protocol version: names and values by turns, and a zero byte.
  for (let at = 4; at < body.length && body[at] !== 0;) {
    const name = textAt(body, at);
    const value = textAt(body, name.end);
    parameters[name.text] = value.text;
    at = value.end;
  }
  return parameters;
}
