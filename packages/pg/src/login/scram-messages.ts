/** What the server says first in a SCRAM login. */
export interface ServerFirst {
  readonly nonce: string;
  /** In base64. */
  readonly salt: string;
  readonly iterations: number;
}

/** pg's own limit (8.23, `scramMaxIterations`): a hostile server could keep a processor busy for hours. */
export const MAX_ITERATIONS = 100_000;

const FIRST = "SASL: SCRAM-SERVER-FIRST-MESSAGE:";

/**
 * Reads the server's first message, and refuses what pg 8.23 refuses, in its words: a nonce that does not
 * go on from ours, one that adds nothing to it, and more than `maxIterations` (0: no limit).
 */
export function readServerFirst(
  data: unknown,
  clientNonce: string,
  maxIterations: number,
): ServerFirst {
  if (typeof data !== "string") throw new Error(`${FIRST} serverData must be a string`);
  const attributes = attributesOf(data);
  const nonce = attributes.get("r");
  if (!nonce) throw new Error(`${FIRST} nonce missing`);
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(nonce))
    throw new Error(`${FIRST} nonce must only contain printable characters`);
  const salt = attributes.get("s");
  if (!salt) throw new Error(`${FIRST} salt missing`);
  if (!isBase64(salt)) throw new Error(`${FIRST} salt must be base64`);
  const count = attributes.get("i");
  if (!count) throw new Error(`${FIRST} iteration missing`);
  if (!/^[1-9][0-9]*$/.test(count)) throw new Error(`${FIRST} invalid iteration count`);
  const iterations = Number.parseInt(count, 10);
  if (!nonce.startsWith(clientNonce))
    throw new Error(`${FIRST} server nonce does not start with client nonce`);
  if (nonce.length === clientNonce.length) throw new Error(`${FIRST} server nonce is too short`);
  if (maxIterations !== 0 && iterations > maxIterations) {
    throw new Error(
      `${FIRST} iteration count ${iterations} exceeds scramMaxIterations of ${maxIterations}`,
    );
  }
  return { nonce, salt, iterations };
}

/** The password of a login, as SCRAM can use it; refuses what pg refuses, in its words. */
export function usablePassword(password: unknown): string {
  if (typeof password !== "string") throw new Error(`${FIRST} client password must be a string`);
  if (password === "") throw new Error(`${FIRST} client password must be a non-empty string`);
  return password;
}

/** The client's final message without its proof, and the text that the proof is made of. */
export function clientFinal(
  clientNonce: string,
  { nonce, salt, iterations }: ServerFirst,
  /** `c=`: the header of the first message and what binds the login to its TLS connection. */
  binding: Buffer,
): { readonly message: string; readonly authMessage: string } {
  const message = `c=${binding.toString("base64")},r=${nonce}`;
  const first = `n=*,r=${clientNonce},r=${nonce},s=${salt},i=${iterations}`;
  return { message, authMessage: `${first},${message}` };
}

/**
 * SASLprep as pg 8.23 does it, and as PostgreSQL does it where it matters: without the steps that
 * would refuse passwords which PostgreSQL takes. Older versions of pg leave it out, and a password
 * that it changes is refused there.
 */
export function saslprep(password: string): string {
  return password
    .replaceAll(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, " ")
    .replaceAll(
      /\u00AD|\u034F|\u1806|\u180B|\u180C|\u180D|\u200C|\u200D|\u2060|[\uFE00-\uFE0F]|\uFEFF/g,
      "",
    )
    .normalize("NFKC");
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const pair of text.split(",")) {
    if (!/^.=/.test(pair)) throw new Error("SASL: Invalid attribute pair entry");
    attributes.set(pair.slice(0, 1), pair.slice(2));
  }
  return attributes;
}

function isBase64(text: string): boolean {
  return /^(?:[a-zA-Z0-9+/]{4})*(?:[a-zA-Z0-9+/]{2}==|[a-zA-Z0-9+/]{3}=)?$/.test(text);
}
