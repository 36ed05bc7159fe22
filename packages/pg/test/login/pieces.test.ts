import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkServerIdentity } from "node:tls";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { endPointBinding } from "../../src/login/channel-binding.ts";
import { recentMap } from "../../src/login/recent.ts";
import { saltWatch } from "../../src/login/salt-watch.ts";
import { scramKeys, type ScramSecret } from "../../src/login/scram-keys.ts";
import { clientFinal, readServerFirst, saslprep } from "../../src/login/scram-messages.ts";
import { areSame, readTlsOptions } from "../../src/login/tls-options.ts";
import { tlsStore } from "../../src/login/tls-store.ts";

test("the proof and the signature are those of RFC 7677", async () => {
  // The RFC names the user; PostgreSQL takes him from the startup packet, and `n=*` stands here.
  const clientNonce = "rOprNGfwEbeRWgbNEkqO";
  const first = readServerFirst(
    `r=${clientNonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    clientNonce,
    100_000,
  );
  const { authMessage } = clientFinal(clientNonce, first, Buffer.from("n,,"));

  const keys = scramKeys();
  const { salt, iterations } = first;
  const prove = await keys.derive({ password: "pencil", salt, iterations });

  expect(prove(authMessage.replace("n=*", "n=user"))).toEqual({
    proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    serverSignature: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  });
});

test.each([
  ["pencil", "pencil"],
  ["I\u00ADX", "IX"],
  ["\u2168", "IX"],
  ["\u00AA", "a"],
  ["a\u00A0b\u3000c", "a b c"],
  ["a\u200Bb", "a b"],
  ["a\u200Db\uFE0F\uFEFF", "ab"],
])("SASLprep of %j is %j", (password, prepared) => {
  expect(saslprep(password)).toBe(prepared);
});

function secretOf(index: number): ScramSecret {
  return { password: `p${index}`, salt: "c2FsdA==", iterations: 1 };
}

function strict(): undefined {
  return undefined;
}

test("keys of a hundred logins are kept, and the one that is not asked for goes first", async () => {
  const keys = scramKeys();
  for (let index = 0; index < 100; index++) await keys.derive(secretOf(index));

  expect(keys.find(secretOf(0))).toBeTypeOf("function");
  await keys.derive(secretOf(100));

  expect(keys.find(secretOf(0))).toBeTypeOf("function");
  expect(keys.find(secretOf(1))).toBeUndefined();
});

test("a derivation that fails is not remembered", async () => {
  const keys = scramKeys();
  const secret = { password: "p", salt: "c2FsdA==", iterations: 0 };

  await expect(async () => await keys.derive(secret)).rejects.toThrow(RangeError);
  await expect(async () => await keys.derive(secret)).rejects.toThrow(RangeError);

  expect(keys.find(secret)).toBeUndefined();
});

test("a salt is changing from the third different one of the same login on", () => {
  const watch = saltWatch();
  const login = { host: "h", port: 1, user: "u", password: "p" };

  const told = ["a", "a", "b", "a", "b", "c", "a"].map((salt) => watch.note(login, salt));

  expect(told).toEqual([false, false, false, false, false, true, true]);
  expect(watch.note({ ...login, password: "q" }, "a")).toBe(false);
});

test("a map of two forgets whom it was not asked about", () => {
  const map = recentMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.get("a");
  map.set("c", 3);

  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([1, undefined, 3]);
});

describe("channel binding", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "doorpolicy-certificates-"));
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  async function certificate(key: string, digest: string): Promise<Buffer> {
    const command = `req -x509 -newkey ${key} -nodes ${digest} -days 2 -subj /CN=x -keyout k -out c`;
    await promisify(execFile)("openssl", command.split(" "), { cwd: dir });
    return new X509Certificate(await readFile(join(dir, "c"))).raw;
  }

  const EC = "ec -pkeyopt ec_paramgen_curve:prime256v1";
  test.each([
    ["rsa:2048", "-sha1", "sha256"],
    ["rsa:2048", "-sha256", "sha256"],
    ["rsa:2048", "-sha384", "sha384"],
    ["rsa:2048", "-sha512", "sha512"],
    [EC, "-sha1", "sha256"],
    [EC, "-sha256", "sha256"],
    [EC, "-sha384", "sha384"],
    [EC, "-sha512", "sha512"],
  ])("%s signed with %s is bound by %s", async (key, digest, hash) => {
    const raw = await certificate(key, digest);

    const binding = endPointBinding(raw);

    const own = createHash(hash).update(raw).digest("hex");
    expect(binding?.toString("latin1", 0, 24)).toBe("p=tls-server-end-point,,");
    expect(binding?.toString("hex", 24)).toBe(own);
  });

  test("another algorithm, and no certificate, are left to pg", async () => {
    const pss = await certificate("rsa:2048 -sigopt rsa_padding_mode:pss", "-sha256");

    expect([pss, Buffer.alloc(0), undefined].map((raw) => endPointBinding(raw))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("a certificate that ends anywhere throws nowhere", async () => {
    const raw = await certificate(EC, "-sha256");

    for (let end = 0; end < raw.length; end++)
      expect(endPointBinding(raw.subarray(0, end))).toBeUndefined();
  });
});

describe("TLS options", () => {
  test.each<[string, unknown, unknown, boolean]>([
    ["nothing but TLS", true, true, true],
    ["true and no options", true, {}, true],
    ["equal CAs", { ca: "a" }, { ca: "a" }, true],
    ["equal bytes", { ca: Buffer.from("a") }, { ca: Buffer.from("a") }, true],
    ["equal lists", { ca: ["a", Buffer.from("b")] }, { ca: ["a", Buffer.from("b")] }, true],
    ["another CA", { ca: "a" }, { ca: "b" }, false],
    ["one CA more", { ca: ["a"] }, { ca: ["a", "b"] }, false],
    ["another certificate", { cert: "a" }, { cert: "b" }, false],
    ["a hidden key", Object.defineProperty({}, "key", { value: "a" }), {}, false],
    ["no verification", {}, { rejectUnauthorized: false }, false],
    ["another name", { servername: "a" }, { servername: "b" }, false],
    ["the same check", { checkServerIdentity: strict }, { checkServerIdentity: strict }, true],
    [
      "another check",
      { checkServerIdentity: strict },
      { checkServerIdentity: () => undefined },
      false,
    ],
    [
      "two empty checks of a URL",
      { checkServerIdentity: function () {} },
      { checkServerIdentity: function () {} },
      true,
    ],
    [
      "an empty check, and Node's",
      { checkServerIdentity: function () {} },
      { checkServerIdentity },
      false,
    ],
  ])("are the same, or not: %s", (_what, one, other, are) => {
    const [first, second] = [readTlsOptions(one), readTlsOptions(other)];

    expect(first && second && areSame(first, second)).toBe(are);
  });

  test.each<[string, unknown]>([
    ["a context", { secureContext: {} }],
    ["a session", { session: Buffer.from("s") }],
    ["a session as text", { session: "s" }],
    ["a callback", { pskCallback: () => null }],
    ["a key with its passphrase", { key: [{ pem: "a", passphrase: "b" }] }],
    ["a word", "require"],
  ])("are left to pg with %s", (_what, ssl) => {
    expect(readTlsOptions(ssl)).toBeUndefined();
  });

  test("of another process environment are others", () => {
    const before = readTlsOptions(true);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    const after = readTlsOptions(true);
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];

    expect([before?.verifiesName, after?.verifiesName]).toEqual([true, false]);
    expect(before && after && areSame(before, after)).toBe(false);
  });
});

test("a server that refuses two sessions in a row is not offered a third", () => {
  const profile = tlsStore().profileOf(true, {});
  const offers: boolean[] = [];

  for (let handshake = 0; handshake < 3; handshake++) {
    profile?.keep("server", { session: Buffer.from("s"), verifiedAt: performance.now() });
    offers.push(profile?.offer("server") !== undefined);
    profile?.resumed("server", false);
  }

  expect(offers).toEqual([true, true, false]);
  profile?.keep("other", { session: Buffer.from("s"), verifiedAt: performance.now() });
  expect(profile?.offer("other")).toBeDefined();
});

test("a session is not offered an hour after its certificate was looked at", () => {
  const profile = tlsStore().profileOf(true, {});
  const hour = 3_600_000;

  profile?.keep("fresh", {
    session: Buffer.from("s"),
    verifiedAt: performance.now() - hour + 60_000,
  });
  profile?.keep("old", { session: Buffer.from("s"), verifiedAt: performance.now() - hour - 1 });

  expect(profile?.offer("fresh")).toBeDefined();
  expect(profile?.offer("old")).toBeUndefined();
});
