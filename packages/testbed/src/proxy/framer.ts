import { MAX_STARTUP_BYTES } from "./facts.ts";
import {
  answerName,
  authenticationName,
  nameByByte,
  type ProxyDirection,
  type ProxyMessageName,
  type ServerMessageName,
} from "./messages.ts";

const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

const ERROR_RESPONSE = 0x45;
const AUTHENTICATION = 0x52;
const PASSWORD = 0x70;

/** What both directions of one connection have to know of each other to be framed. */
export interface Wire {
  /** The client's messages have no type byte yet. */
  startup: boolean;
  /** The single byte that the server owes, to a request for encryption. */
  awaited: "SSLResponse" | "GSSENCResponse" | undefined;
  /** The server's last request for authentication: says what the client's `p` is. */
  asked: ServerMessageName | undefined;
  /** Encrypted, or not this protocol: bytes pass and mean nothing. */
  opaque: boolean;
}

/** The state of a connection that has just been made. */
export function newWire(): Wire {
  return { startup: true, awaited: undefined, asked: undefined, opaque: false };
}

/**
 * Finds the messages of one direction. It keeps nothing of the bytes: {@link Framer.scan} looks at the
 * head of a message and puts what it found into fields, so that nothing is allocated for a row.
 */
export class Framer {
  name: ProxyMessageName = "Unknown";
  /** Of the whole message, type byte and length field included. */
  length = 0;
  /** Where the body begins, from the first byte of the message. */
  bodyAt = 0;
  readonly #direction: ProxyDirection;
  readonly #wire: Wire;

  constructor(direction: ProxyDirection, wire: Wire) {
    this.#direction = direction;
    this.#wire = wire;
  }

  /**
   * Reads the head of the message that begins at `at`. `false`: more bytes are needed, or this is not
   * PostgreSQL's protocol, and then the wire is opaque from now on.
   */
  scan(buffer: Buffer, at: number): boolean {
    const wire = this.#wire;
    if (this.#direction === "client" && wire.startup) return this.#scanStartup(buffer, at);
    const type = buffer[at] ?? 0;
    // A server that does not know the request answers with an ordinary error.
    if (this.#direction === "server" && wire.awaited && type !== ERROR_RESPONSE) {
      return this.#found(wire.awaited, 1, 0);
    }
    if (buffer.length - at < 5) return false;
    const length = buffer.readUInt32BE(at + 1);
    if (length < 4) return this.#isOpaque();
    if (this.#direction === "server" && type === AUTHENTICATION) {
      if (buffer.length - at < 9) return false;
      return this.#found(authenticationName(buffer.readUInt32BE(at + 5)), length + 1, 5);
    }
    if (this.#direction === "client" && type === PASSWORD) {
      return this.#found(answerName(wire.asked), length + 1, 5);
    }
    return this.#found(nameByByte[this.#direction][type] ?? "Unknown", length + 1, 5);
  }

  /** The message that was scanned is taken; called once for each. */
  accept(buffer: Buffer, at: number): void {
    const wire = this.#wire;
    switch (this.name) {
      case "Startup":
      case "CancelRequest":
        wire.startup = false;
        break;
      case "SSLRequest":
        wire.awaited = "SSLResponse";
        break;
      case "GSSENCRequest":
        wire.awaited = "GSSENCResponse";
        break;
      case "SSLResponse":
      case "GSSENCResponse":
        wire.awaited = undefined;
        // `N` is a no, and the client goes on in plain text.
        wire.opaque = buffer[at] !== 0x4e;
        break;
      case "ErrorResponse":
        wire.awaited = undefined;
        break;
      case "AuthenticationSASL":
      case "AuthenticationSASLContinue":
      case "AuthenticationCleartextPassword":
      case "AuthenticationMD5Password":
      case "AuthenticationOther":
        wire.asked = this.name;
        break;
      default:
    }
  }

  #scanStartup(buffer: Buffer, at: number): boolean {
    if (buffer.length - at < 4) return false;
    const length = buffer.readUInt32BE(at);
    // TLS without SSLRequest (`sslnegotiation=direct`) begins with 0x16, which is a length of 369 million.
    if (length < 8 || length > MAX_STARTUP_BYTES) return this.#isOpaque();
    if (buffer.length - at < 8) return false;
    const code = buffer.readUInt32BE(at + 4);
    if (code === SSL_REQUEST) return this.#found("SSLRequest", length, 4);
    if (code === GSSENC_REQUEST) return this.#found("GSSENCRequest", length, 4);
    if (code === CANCEL_REQUEST) return this.#found("CancelRequest", length, 4);
    if (code >>> 16 === 3) return this.#found("Startup", length, 4);
    return this.#isOpaque();
  }

  #found(name: ProxyMessageName, length: number, bodyAt: number): boolean {
    this.name = name;
    this.length = length;
    this.bodyAt = bodyAt;
    return true;
  }

  #isOpaque(): boolean {
    this.#wire.opaque = true;
    return false;
  }
}
