import { createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { createServer, type Socket } from "node:net";

import { afterEach, describe, expect, test } from "vitest";

import { eventually, rejection, requirePg } from "../world.ts";
import { guarded, logIn, VERSIONS } from "./login-world.ts";

/** How a server that speaks SCRAM, and knows the password, departs from it. */
interface Departure {
  readonly nonce?: (clients: string) => string;
  readonly salt?: string;
  readonly iterations?: string;
  /** The whole first message. */
  readonly first?: string;
  readonly signature?: (right: string) => string;
  /** Leaves its proof out. */
  readonly isSilent?: boolean;
  /** Says its first message twice. */
  readonly isStuttering?: boolean;
  /** Begins in the middle. */
  readonly startsAtFirst?: boolean;
}

interface Peer extends AsyncDisposable {
  readonly url: string;
  /** What clients sent after the login. */
  readonly statements: string[];
  readonly proofs: number;
  readonly open: number;
}

const peers: Peer[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
});

function message(type: string, ...parts: readonly (string | Buffer | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === "string") return Buffer.from(part);
      if (typeof part !== "number") return part;
      const number = Buffer.alloc(4);
      number.writeInt32BE(part);
      return number;
    }),
  );
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** A peer of a connection, byte by byte: what no real server does. */
async function startPeer(departure: Departure): Promise<Peer> {
  const sockets = new Set<Socket>();
  const statements: string[] = [];
  let proofs = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let step = 0;
    let authMessage = "";
    const iterations = departure.iterations ?? "4096";
    const salt = departure.salt ?? randomBytes(16).toString("base64");
    const sayFirst = (clientNonce: string): void => {
      const nonce = (departure.nonce ?? ((own) => `${own}${"s".repeat(24)}`))(clientNonce);
      const first = departure.first ?? `r=${nonce},s=${salt},i=${iterations}`;
      authMessage = `n=*,r=${clientNonce},${first}`;
      const continued = message("R", 11, first);
      socket.write(departure.isStuttering ? Buffer.concat([continued, continued]) : continued);
    };
    socket.on("data", (data) => {
      step += 1;
      if (step === 1) {
        if (departure.startsAtFirst === true) sayFirst("nobody");
        else socket.write(message("R", 10, "SCRAM-SHA-256\0\0"));
        return;
      }
      const text = data.toString("latin1");
      if (step === 2) {
        sayFirst(/r=([^,\0]*)$/.exec(text)?.[1] ?? "");
        return;
      }
      if (step > 3 || !text.startsWith("p")) {
        statements.push(text);
        return;
      }
      proofs += 1;
      const withoutProof = text.slice(5).replace(/,p=[^,]*$/, "");
      const salted = pbkdf2Sync(
        "app",
        Buffer.from(salt, "base64"),
        Number(iterations),
        32,
        "sha256",
      );
      const right = hmac(hmac(salted, "Server Key"), `${authMessage},${withoutProof}`);
      const signature = (departure.signature ?? ((own) => `v=${own}`))(right.toString("base64"));
      socket.write(
        Buffer.concat([
          ...(departure.isSilent === true ? [] : [message("R", 12, signature)]),
          message("R", 0),
          message("Z", "I"),
        ]),
      );
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const peer: Peer = {
    url: `postgres://app:app@127.0.0.1:${port}/app`,
    statements,
    get proofs() {
      return proofs;
    },
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  peers.push(peer);
  return peer;
}

const FIRST = "SASL: SCRAM-SERVER-FIRST-MESSAGE:";
const FINAL = "SASL: SCRAM-SERVER-FINAL-MESSAGE:";

describe.each(VERSIONS)("with %s, a server is refused", (name) => {
  test.each<[string, Departure, string]>([
    [
      "another nonce",
      { nonce: () => "x".repeat(40) },
      `${FIRST} server nonce does not start with client nonce`,
    ],
    ["our nonce alone", { nonce: (own) => own }, `${FIRST} server nonce is too short`],
    [
      "100,001 iterations",
      { iterations: "100001" },
      `${FIRST} iteration count 100001 exceeds scramMaxIterations of 100000`,
    ],
    ["no number of iterations", { iterations: "many" }, `${FIRST} invalid iteration count`],
    ["a salt that is no base64", { salt: "%%%" }, `${FIRST} salt must be base64`],
    ["nothing", { first: "r=" }, `${FIRST} nonce missing`],
    ["no attributes", { first: "hello" }, "SASL: Invalid attribute pair entry"],
    [
      "its first message before it has asked",
      { startsAtFirst: true },
      "SASL: Last message was not SASLInitialResponse",
    ],
    [
      "its first message twice",
      { isStuttering: true },
      "SASL: Last message was not SASLInitialResponse",
    ],
  ])("that says %s", async (_what, departure, text) => {
    const { pg } = guarded(requirePg(name));
    const peer = await startPeer(departure);

    const error = await rejection(logIn(pg, peer.url));

    expect(error).toMatchObject({ message: text });
    expect(peer.proofs).toBe(0);
    await eventually(() => expect(peer.open).toBe(0));
  });

  test.each<[string, Departure, RegExp]>([
    [
      "with another's signature",
      { signature: () => `v=${Buffer.alloc(32).toString("base64")}` },
      /server signature does not match$/,
    ],
    ["without one, and lets in", { isSilent: true }, /server signature is missing$/],
    [
      "with an error",
      { signature: () => "e=other-error" },
      /server returned error: "other-error"$|server signature/,
    ],
  ])("that ends %s", async (_what, departure, text) => {
    const { pg } = guarded(requirePg(name));
    const peer = await startPeer(departure);
    const client = new pg.Client(peer.url);
    const outcomes: unknown[] = [];
    client.on("error", () => undefined);

    client.connect((error: unknown) => outcomes.push(error));
    const statement = rejection(client.query("select 'secret'"));

    await eventually(() => expect(peer.open).toBe(0));
    await statement;
    // Called once, although the server has said in the same packet that it is ready.
    expect(outcomes).toEqual([expect.objectContaining({ message: expect.stringMatching(text) })]);
    expect(peer.statements.join("")).not.toContain("secret");
    expect(String(outcomes[0])).toContain(FINAL);
  });
});

test("a limit of iterations holds with a pg that has none of its own, and 0 takes it away", async () => {
  const { pg } = guarded(requirePg("pg85"));
  const peer = await startPeer({ iterations: "5000" });
  const { hostname: host, port } = new URL(peer.url);
  const config = { host, port: Number(port), user: "app", password: "app", database: "app" };

  const error = await rejection(logIn(pg, Object.assign({ scramMaxIterations: 4999 }, config)));
  const client = new pg.Client(Object.assign({ scramMaxIterations: 0 }, config));
  await client.connect();
  await client.end();

  expect(error).toMatchObject({
    message: expect.stringContaining("exceeds scramMaxIterations of 4999"),
  });
});
