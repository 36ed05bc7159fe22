import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { closedLoop } from "../load/closed-loop.ts";
import type { Variant } from "../method/experiment.ts";
import { STATEMENT } from "./pools.ts";

/** Authentication requests of the protocol. */
const AUTHENTICATION = { ok: 0, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

interface Keys {
  readonly client: Buffer;
  readonly stored: Buffer;
}

/**
 * The least that a connect, a statement and a close can cost in this runtime: bytes written and read
 * by hand on one socket, with the SCRAM keys known beforehand. Checks nothing, and is no client.
 */
export function rawSocketFloor(
  url: string,
  load: { readonly callers: number; readonly count: number },
): Variant {
  const keys = new Map<string, Keys>();
  return {
    run: () => closedLoop({ ...load, ask: () => askOnce(new URL(url), keys) }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function askOnce(url: URL, keys: Map<string, Keys>): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  socket.write(startupOf(url));
  const scram = new Scram(decodeURIComponent(url.password), keys);
  let asked = false;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (let length = lengthOf(rest); length <= rest.length; length = lengthOf(rest)) {
      const type = String.fromCharCode(rest[0] ?? 0);
      const body = rest.subarray(5, length);
      rest = rest.subarray(length);
      if (type === "E") throw new Error("The server refused the login of the bare socket.");
      if (type === "R") scram.meet(body, socket);
      if (type === "Z" && asked) {
        socket.end(message("X"));
        return;
      }
      if (type === "Z") {
        asked = true;
        socket.write(message("Q", Buffer.from(`${STATEMENT}\0`)));
      }
    }
  }
}

/** A SCRAM-SHA-256 login that derives keys once for each salt. */
class Scram {
  readonly #password: string;
  readonly #keys: Map<string, Keys>;
  readonly #first = `n=,r=${randomBytes(18).toString("base64")}`;

  constructor(password: string, keys: Map<string, Keys>) {
    this.#password = password;
    this.#keys = keys;
  }

  meet(body: Buffer, socket: Socket): void {
    const request = body.readInt32BE(0);
    if (request === AUTHENTICATION.sasl) {
      const first = Buffer.from(`n,,${this.#first}`);
      const size = Buffer.alloc(4);
      size.writeInt32BE(first.length);
      socket.write(message("p", Buffer.concat([Buffer.from("SCRAM-SHA-256\0"), size, first])));
    }
    if (request === AUTHENTICATION.saslContinue) {
      socket.write(message("p", Buffer.from(this.#final(body.toString("utf8", 4)))));
    }
  }

  #final(serverFirst: string): string {
    const parts = new Map(serverFirst.split(",").map((part) => [part[0], part.slice(2)]));
    const final = `c=biws,r=${parts.get("r")}`;
    const { client, stored } = this.#keysFor(parts.get("s") ?? "", Number(parts.get("i")));
    const signature = hmac(stored, `${this.#first},${serverFirst},${final}`);
    const proof = client.map((byte, index) => byte ^ (signature[index] ?? 0));
    return `${final},p=${Buffer.from(proof).toString("base64")}`;
  }

  #keysFor(salt: string, iterations: number): Keys {
    const known = this.#keys.get(salt);
    if (known !== undefined) return known;
    const bytes = Buffer.from(salt, "base64");
    const client = hmac(pbkdf2Sync(this.#password, bytes, iterations, 32, "sha256"), "Client Key");
    const keys = { client, stored: createHash("sha256").update(client).digest() };
    this.#keys.set(salt, keys);
    return keys;
  }
}

function startupOf(url: URL): Buffer {
  const body = ["user", decodeURIComponent(url.username), "database", url.pathname.slice(1), ""];
  const version = Buffer.from([0, 3, 0, 0]);
  const text = Buffer.concat([version, Buffer.from(`${body.join("\0")}\0`)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(text.length + 4);
  return Buffer.concat([size, text]);
}

/** Length of the first message; infinite while that is not known. */
function lengthOf(bytes: Buffer): number {
  return bytes.length < 5 ? Infinity : bytes.readInt32BE(1) + 1;
}

function message(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
