import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

/** PostgreSQL's own default. */
const ITERATIONS = 4096;

/**
 * What `pg_authid.rolpassword` and PgBouncer's user list hold instead of a password:
 * `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
 *
 * The same text in both lets PgBouncer log in to PostgreSQL with what it learnt from the client, and
 * keeps the salt the same at each login.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const keys = deriveKeys(password, salt, ITERATIONS);
  const stored = keys.stored.toString("base64");
  const server = keys.server.toString("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${server}`;
}

/** The older form: `md5` and the MD5 of password and role name. */
export function md5Verifier(user: string, password: string): string {
  return `md5${md5(password + user)}`;
}

/** Answer to `AuthenticationMD5Password`. */
export function md5Response(user: string, password: string, salt: Buffer): string {
  return `md5${md5(Buffer.concat([Buffer.from(md5(password + user)), salt]))}`;
}

/** One SCRAM-SHA-256 login, without channel binding: the servers are on the loopback. */
export interface ScramLogin {
  readonly first: string;
  /** From the server's first message to the client's final one. Throws when the server does not play fair. */
  final(serverFirst: string): string;
  /** Throws when the server does not know the password either. */
  verify(serverFinal: string): void;
}

/** Begins a login; the user name travels in the startup packet, so SCRAM's own stays empty. */
export function startScram(password: string): ScramLogin {
  const nonce = randomBytes(18).toString("base64");
  const bare = `n=,r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    first: `n,,${bare}`,
    final(serverFirst) {
      const { r = "", s = "", i = "" } = attributesOf(serverFirst);
      const iterations = Number(i);
      if (!r.startsWith(nonce) || s === "" || !(iterations > 0))
        throw new Error("bad SCRAM challenge");
      const keys = deriveKeys(password, Buffer.from(s, "base64"), iterations);
      const withoutProof = `c=biws,r=${r}`;
      const message = `${bare},${serverFirst},${withoutProof}`;
      expected = hmac(keys.server, message);
      const proof = xor(keys.client, hmac(keys.stored, message));
      return `${withoutProof},p=${proof.toString("base64")}`;
    },
    verify(serverFinal) {
      const signature = Buffer.from(attributesOf(serverFinal)["v"] ?? "", "base64");
      if (expected === undefined || signature.length !== expected.length)
        throw new Error("no SCRAM signature");
      if (!timingSafeEqual(signature, expected)) throw new Error("wrong SCRAM signature");
    },
  };
}

function deriveKeys(password: string, salt: Buffer, iterations: number) {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const client = hmac(salted, "Client Key");
  const stored = createHash("sha256").update(client).digest();
  return { client, stored, server: hmac(salted, "Server Key") };
}

function attributesOf(message: string): Record<string, string> {
  return Object.fromEntries(message.split(",").map((part) => [part.slice(0, 1), part.slice(2)]));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function md5(data: string | Buffer): string {
  return createHash("md5").update(data).digest("hex");
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
}
