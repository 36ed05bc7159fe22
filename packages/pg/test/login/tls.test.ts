import fs, { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import tls, { type TLSSocket } from "node:tls";
import { inspect } from "node:util";

import type { Testbed } from "@doorpolicy/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { openClient } from "../../src/login/open-client.ts";
import { sharedState } from "../../src/registry.ts";
import { eventually, type Pg, rejection, requirePg } from "../world.ts";
import { type ClientCertificates, makeClientCertificates } from "./certificates.ts";
import { logIn, plainUrl, startLoginBed, VERSIONS } from "./login-world.ts";
import { startWay } from "./pipelining-stage.ts";
import { clientOf, guarded } from "./source-login.ts";

let bed: Testbed;
let other: ClientCertificates;
let ca: string;

beforeAll(async () => {
  bed = await startLoginBed({ tls: true });
  other = await makeClientCertificates("app");
  ca = readFileSync(bed.caFile ?? "", "utf8");
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await bed.stop();
});
// Each test begins in a process that has connected to nobody.
beforeEach(() => {
  delete sharedState().login;
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Config = Exclude<ConstructorParameters<Pg["Client"]>[0], string | undefined>;

function socketOf(client: InstanceType<Pg["Client"]>): TLSSocket {
  const { stream } = client.connection;
  if (!(stream instanceof tls.TLSSocket)) throw new Error("It is no TLS connection");
  return stream;
}

/** Connects so many times, one after another: whether each one resumed a session. */
async function resumptions(pg: Pick<Pg, "Client">, config: Config, count = 3): Promise<boolean[]> {
  const resumed: boolean[] = [];
  for (let login = 0; login < count; login++) {
    const client = new pg.Client(config);
    await client.connect();
    await client.query("select 1");
    resumed.push(socketOf(client).isSessionReused());
    await client.end();
  }
  return resumed;
}

/** A name server that knows one address. */
const onLoopback = Object.assign(
  (...call: unknown[]): void => {
    const done = call.at(-1);
    if (typeof done === "function") done(null, [{ address: "127.0.0.1", family: 4 }]);
  },
  { __promisify__: (): Promise<never> => Promise.reject(new Error("It is not asked that way")) },
);

/** At this host, with these options of TLS. */
function at(host: string, ssl: object): Config {
  const url = new URL(plainUrl(bed.urls.pooled));
  return { host, port: Number(url.port), user: "app", password: "app", database: "app", ssl };
}

describe.each(VERSIONS)("with %s", (name) => {
  const module = requirePg(name);
  let file: string;

  // Before all others, whose time it then has to grow older.
  beforeAll(async () => {
    file = await other.write("root.crt", ca);
  });

  test.each<[string, () => Config]>([
    ["options", () => at("localhost", { ca })],
    [
      "a URL, read anew at each connection",
      () => ({ connectionString: bed.urls.pooled.replace("127.0.0.1", "localhost") }),
    ],
    [
      "a URL that verifies nothing",
      () => ({ connectionString: `${plainUrl(bed.urls.pooled)}?sslmode=no-verify` }),
    ],
    ["buffers", () => at("localhost", { ca: Buffer.from(ca), minVersion: "TLSv1.3" })],
    ["TLS 1.2", () => at("localhost", { ca: [ca], maxVersion: "TLSv1.2" })],
  ])("resumes sessions, by %s", async (_what, config) => {
    const { pg } = guarded(module);
    const contexts = vi.spyOn(tls, "createSecureContext");

    const resumed = await resumptions(pg, config());

    expect(resumed).toEqual([false, true, true]);
    expect(contexts).toHaveBeenCalledTimes(1);
  });

  test("is refused by a wrong CA after a session of a right one, and goes on with the right one", async () => {
    const { pg } = guarded(module);
    await resumptions(pg, at("localhost", { ca }), 2);

    const error = await rejection(logIn(pg, at("localhost", { ca: other.ca })));

    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(/certificate/);
    expect(await resumptions(pg, at("localhost", { ca }), 1)).toEqual([true]);
  });

  test.each<[string, object]>([
    ["did not verify", { rejectUnauthorized: false }],
    ["did not look at the name", { ca: "", checkServerIdentity: () => undefined }],
  ])("does not take a session of who %s where the name is verified", async (_what, ssl) => {
    const { pg } = guarded(module);
    // The certificate has 127.0.0.1 and localhost, and no other name of the loopback.
    const lax = at("ip6-localhost", "ca" in ssl ? { ...ssl, ca } : ssl);
    const strict = at("ip6-localhost", { ca });
    const { default: dns } = await import("node:dns");
    vi.spyOn(dns, "lookup").mockImplementation(onLoopback);

    expect(await resumptions(pg, lax, 2)).toEqual([false, true]);
    const error = await rejection(logIn(pg, strict));

    expect(String(error)).toMatch(/does not match certificate's altnames/);
  });

  test("reads a file that a URL names once, and again when it has changed", async () => {
    const { pg } = guarded(module);
    // Older than the times of files are coarse.
    await eventually(() => expect(Date.now() - statSync(file).ctimeMs).toBeGreaterThan(2_100));
    const url = new URL(plainUrl(bed.urls.pooled));
    url.hostname = "localhost";
    url.search = `sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}&application_name=x`;
    const reads = vi.spyOn(fs, "readFileSync");
    const count = (): number => reads.mock.calls.filter(([path]) => path === file).length;
    const resumed = await resumptions(pg, { connectionString: url.href }, 4);
    const readsBefore = count();

    await writeFile(file, other.ca);
    const error = await rejection(logIn(pg, url.href));

    expect(resumed).toEqual([false, true, true, true]);
    expect([readsBefore, count()]).toEqual([1, 2]);
    expect(String(error)).toMatch(/certificate/);
  });
});

test("direct TLS resumes as well", async () => {
  const { pg } = guarded();
  // The first PgBouncer that takes it is 1.25.
  await using direct = await startLoginBed({ tls: true, pooler: { version: "1.26" } });
  const url = direct.urls.pooled.replace("127.0.0.1", "localhost");

  const resumed = await resumptions(pg, { connectionString: `${url}&sslnegotiation=direct` });

  expect(resumed).toEqual([false, true, true]);
});

test("SCRAM with channel binding never resumes, and gives no session away", async () => {
  const { pg } = guarded();
  const config = at("localhost", { ca });

  const before = await resumptions(pg, config, 2);
  const bound = await resumptions(pg, { ...config, enableChannelBinding: true });
  delete sharedState().login;
  await resumptions(pg, { ...config, enableChannelBinding: true }, 1);
  const after = await resumptions(pg, config, 2);

  expect(before).toEqual([false, true]);
  expect(bound).toEqual([false, false, false]);
  expect(after).toEqual([false, true]);
});

test("a context and a session of the service stay the service's", async () => {
  const { pg } = guarded();
  const secureContext = tls.createSecureContext({ ca });
  const contexts = vi.spyOn(tls, "createSecureContext");

  const own = await resumptions(pg, at("localhost", { secureContext }));
  const client = new pg.Client(at("localhost", { secureContext }));
  const sessions: Buffer[] = [];
  client.connection.once("sslconnect", () => {
    socketOf(client).on("session", (session) => sessions.push(session));
  });
  await client.connect();
  await client.query("select 1");
  await client.end();
  const given = await resumptions(pg, at("localhost", { secureContext, session: sessions[0] }), 1);

  expect(own).toEqual([false, false, false]);
  expect(contexts).not.toHaveBeenCalled();
  expect(given).toEqual([true]);
});

test("options that are changed in place are the ones that hold", async () => {
  const { pg } = guarded();
  const ssl = { ca };
  await resumptions(pg, at("localhost", ssl), 2);

  ssl.ca = other.ca;
  const error = await rejection(logIn(pg, at("localhost", ssl)));

  expect(String(error)).toMatch(/certificate/);
});

test("a key that cannot be read fails as without a policy", async () => {
  const { pg } = guarded();
  const ssl = { ca, key: "no key", cert: other.cert };

  const errors = [
    await rejection(logIn(requirePg("pg"), at("localhost", { ...ssl }))),
    await rejection(logIn(pg, at("localhost", { ...ssl }))),
  ];

  expect(String(errors[1])).toBe(String(errors[0]));
});

test("a server without TLS is refused in pg's words", async () => {
  const { pg } = guarded();
  await using plain = await startLoginBed({ auth: "trust" });

  const error = await rejection(
    logIn(pg, { connectionString: plainUrl(plain.urls.pooled), ssl: { ca } }),
  );

  expect(error).toMatchObject({ message: "The server does not support SSL connections" });
});

test("a connection whose resumption fails is made anew, and nobody notices", async () => {
  const { pg, seen } = guarded();
  await using way = await startWay(bed.urls.pooled);
  const config = { ...at("localhost", { ca }), port: way.port };
  await resumptions(pg, config, 1);

  way.breakNext();
  const client = await openClient(() => clientOf(pg, config));
  const answer = await client.query("select 1 as one");
  await client.end();

  expect(answer).toMatchObject({ rows: [{ one: 1 }] });
  expect(way.accepted).toBe(3);
  expect(seen).toEqual([]);
});

test("PgBouncer sees resumed connections as TLS ones, and a restart of it is survived", async () => {
  const { pg } = guarded();
  const config = at("localhost", { ca });
  await resumptions(pg, config, 2);
  await bed.restartPooler();

  const after = await resumptions(pg, config, 2);
  const client = new pg.Client(config);
  await client.connect();
  const rows = await bed.admin("SHOW CLIENTS");
  await client.end();

  // It has new keys for its tickets, and refuses the old one without a word.
  expect(after).toEqual([false, true]);
  expect(rows.filter((row) => row["user"] === "app").map((row) => row["tls"])).toEqual([
    expect.stringMatching(/^TLSv1\.3/),
  ]);
});

test("nothing that prints shows a session", async () => {
  const { pg } = guarded();
  const config = at("localhost", { ca });
  const sessions: Buffer[] = [];
  const first = new pg.Client(config);
  first.connection.once("sslconnect", () => {
    socketOf(first).on("session", (session) => sessions.push(session));
  });
  await first.connect();
  await first.query("select 1");
  await first.end();
  const client = new pg.Client(config);
  await client.connect();

  const isResumed = socketOf(client).isSessionReused();
  const options = { showHidden: true, depth: 10, maxArrayLength: null, getters: true } as const;
  const shown = [sharedState(), client.connection, client].flatMap((each) => [
    inspect(each, options),
    // Without the short form of a buffer: byte by byte.
    inspect(each, { ...options, customInspect: false, compact: false }).replaceAll(/\s/g, ""),
  ]);
  const json = JSON.stringify(sharedState().login);
  await client.end();

  expect([isResumed, sessions.length > 0]).toEqual([true, true]);
  for (const session of sessions) {
    const bytes = [...session.subarray(0, 16)];
    for (const text of [...shown, json]) {
      expect(text).not.toContain(bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" "));
      expect(text).not.toContain(bytes.join(","));
    }
  }
});
