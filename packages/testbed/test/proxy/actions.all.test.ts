import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  startFaultProxy,
  startTestbed,
  type FaultAction,
  type FaultCondition,
  type FaultProxy,
  type Testbed,
} from "@doorpolicy/testbed";
import { clientMessage, int32, startupMessage } from "../../src/wire/messages.ts";
import {
  eventually,
  FIN,
  isPending,
  listening,
  open,
  openRaw,
  outcome,
  RST,
  spoken,
} from "./clients.ts";

let bed: Testbed;
let proxy: FaultProxy;
let url: string;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, pooler: false });
  await bed.sql("create table notes (name text); grant all on notes to app", "app");
});
beforeEach(async () => {
  proxy = await startFaultProxy({ target: bed.urls.direct });
  url = proxy.url(bed.urls.direct);
  return () => proxy.stop();
});
afterAll(() => bed?.stop());

/** Where a fault strikes. */
const places: readonly (readonly [string, FaultCondition])[] = [
  ["the client's Startup", { direction: "client", message: "Startup" }],
  ["the server's AuthenticationOk", { direction: "server", message: "AuthenticationOk" }],
  [
    "a client's Query",
    { direction: "client", message: "Query", match: ({ sql }) => sql === "select 42 as n" },
  ],
  ["the server's DataRow", { direction: "server", message: "DataRow" }],
  [
    "the client's COMMIT",
    { direction: "client", message: "Query", match: ({ sql }) => sql === "commit" },
  ],
  [
    "the server's answer to COMMIT",
    { direction: "server", message: "CommandComplete", match: ({ tag }) => tag === "COMMIT" },
  ],
];

const endings: readonly (readonly [string, FaultAction, string])[] = [
  ["cut", "cut", FIN],
  ["cut with a reset", { kind: "cut", with: "rst" }, RST],
  ["truncate", { kind: "truncate", bytes: 3 }, FIN],
];

/** Connects, asks, writes a note and commits it, as far as it gets. */
async function work(name: string): Promise<number> {
  const client = await open(url);
  const { rows } = await client.query("select 42 as n");
  await client.query("begin");
  await client.query(`insert into notes values ('${name}')`);
  await client.query("commit");
  await client.end();
  return rows[0].n;
}

async function notesOf(name: string): Promise<number> {
  return (await bed.sql(`select from notes where name = '${name}'`, "app")).length;
}

async function backends(): Promise<number> {
  const rows = await bed.sql(
    "select from pg_stat_activity where backend_type = 'client backend' and usename = 'app'",
  );
  return rows.length;
}

describe.each(places)("at %s", (place, condition) => {
  const hasBackend = place === "the client's Startup" ? 0 : 1;
  /** Only the answer to COMMIT comes when the note is durable already. */
  const isDurable = place === "the server's answer to COMMIT" ? 1 : 0;

  it.each(endings)("%s ends the connection for both sides", async (ending, action, words) => {
    const name = `${place.replaceAll("'", "")} ${ending}`;
    const rule = proxy.when(condition, action);

    const said = await outcome(work(name));

    // libuv reports an end where a reset comes right behind bytes that it has still to read.
    expect(condition.direction === "server" && words === RST ? [RST, FIN] : [words]).toContain(
      said,
    );
    expect(rule.count).toBe(1);
    expect(proxy.connections).toEqual([]);
    expect(await eventually(async () => (await backends()) === 0)).toBe(true);
    expect(await notesOf(name)).toBe(isDurable);
  });

  it("blackHole swallows everything and leaves both sockets open", async () => {
    const name = `${place.replaceAll("'", "")} blackHole`;
    const rule = proxy.when({ ...condition, nth: 1 }, "blackHole");

    const swallowed = work(name);
    const { connection } = await rule.hit;
    await work("beside it");

    expect(await isPending(swallowed)).toBe(true);
    expect(proxy.connections.find(({ number }) => number === connection)?.blackHoled).toBe(true);
    // Before the startup packet there is no backend that the server would show.
    expect(await backends()).toBeGreaterThanOrEqual(hasBackend);
    proxy.connections.find(({ number }) => number === connection)?.cut();
    expect(await outcome(swallowed)).toBe(FIN);
    expect(await eventually(async () => (await backends()) === 0)).toBe(true);
    expect(await notesOf(name)).toBe(isDurable);
  });

  it("hold keeps it until it is released, and then everything is as ever", async () => {
    const name = `${place.replaceAll("'", "")} hold`;
    const rule = proxy.when({ ...condition, nth: 1 }, "hold");

    const held = work(name);
    await rule.hit;
    await work("beside it");
    const whileHeld = await notesOf(name);
    expect(await isPending(held)).toBe(true);
    rule.release();

    expect(await held).toBe(42);
    expect([whileHeld, await notesOf(name)]).toEqual([isDurable, 1]);
  });

  it("delay makes it late and changes nothing else", async () => {
    const name = `${place.replaceAll("'", "")} delay`;
    proxy.when(condition, { kind: "delay", ms: 40 });
    const started = performance.now();

    const answer = await work(name);

    // Timers of Node may fire up to a millisecond early.
    expect(performance.now() - started).toBeGreaterThanOrEqual(39);
    expect(answer).toBe(42);
    expect(await notesOf(name)).toBe(1);
  });

  it("count lets it pass", async () => {
    const rule = proxy.when(condition, "count");

    await work("counted");
    await work("counted");

    expect(rule.count).toBe(2);
    expect(await rule.hit).toMatchObject({ connection: 1, message: condition.message });
    expect(proxy.seen.filter(({ met }) => met !== undefined)).toEqual([]);
  });
});

describe("what precedes a fault", () => {
  it.each(["fin", "rst"] as const)("reaches its receiver before a cut with %s", async (kind) => {
    proxy.when({ direction: "server", message: "ReadyForQuery" }, { kind: "cut", with: kind });
    const { socket, received, closed } = await openRaw(proxy.port);

    socket.write(startupMessage({ user: "app", database: "app" }));
    await closed;

    const last = proxy.seen.filter(({ direction }) => direction === "server").slice(-2);
    expect(last.map(({ message }) => message)).toEqual(["BackendKeyData", "ReadyForQuery"]);
    // K, its length, the process and its secret are the last thirteen bytes.
    expect(
      received()
        .toString("latin1", received().length - 13)
        .charAt(0),
    ).toBe("K");
  });

  it.each([0, 1, 5, 6, 7])("and %i bytes of a truncated message, but no more", async (bytes) => {
    proxy.when({ direction: "server", message: "ReadyForQuery" }, { kind: "truncate", bytes });
    const { socket, received, closed } = await openRaw(proxy.port);

    socket.write(startupMessage({ user: "app", database: "app" }));
    await closed;

    const ready = Buffer.from("Z\0\0\0\u0005I", "latin1").subarray(0, bytes);
    const end = received().subarray(-13 - ready.length);
    expect(end.toString("latin1", 0, 1)).toBe("K");
    expect(end.subarray(13)).toEqual(ready);
  });

  it("reaches a server before a reset, also when that is still being connected", async () => {
    const chunks: Buffer[] = [];
    const listener = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => chunks.push(chunk));
    });
    await using other = await startFaultProxy({
      target: { host: "127.0.0.1", port: await listening(listener) },
    });
    other.when({ direction: "client", message: "Query" }, { kind: "cut", with: "rst" });
    const startup = startupMessage({ user: "app", database: "app" });
    const { socket, closed } = await openRaw(other.port);

    socket.write(Buffer.concat([startup, clientMessage("Q", "select 1")]));
    await closed;
    await eventually(() => chunks.length > 0);
    listener.close();

    expect(Buffer.concat(chunks)).toEqual(startup);
  });

  it("stays what it was when a long message is truncated far behind its begin", async () => {
    proxy.when({ direction: "server", message: "DataRow" }, { kind: "truncate", bytes: 300_000 });
    const { socket, received, closed } = await openRaw(proxy.port);

    socket.write(startupMessage({ user: "app", database: "app" }));
    await eventually(() => received().includes("ZI", 0) || received().at(-6) === 0x5a);
    const before = received().length;
    const sql = Buffer.from("select repeat('x', 1000000)\0");
    const head = Buffer.alloc(5, "Q");
    head.writeInt32BE(sql.length + 4, 1);
    socket.write(Buffer.concat([head, sql]));
    await closed;

    const answer = received().subarray(before);
    const row = answer.indexOf(Buffer.from("D\0\u000f", "latin1"));
    expect(answer.length - row).toBe(300_000);
  });
});

describe("a server", () => {
  it("that does not offer TLS leaves the connection in plain text", async () => {
    const { socket, received } = await openRaw(proxy.port);

    socket.write(clientMessage("", int32(80_877_103)));
    await eventually(() => received().toString() === "N");
    socket.write(startupMessage({ user: "app", database: "app" }));
    await eventually(() => proxy.seen.some(({ message }) => message === "ReadyForQuery"));

    expect(spoken(proxy, "client")).toEqual(["SSLRequest", "Startup"]);
    expect(spoken(proxy, "server").slice(0, 2)).toEqual(["SSLResponse N", "AuthenticationOk"]);
    expect(proxy.connections[0]?.opaque).toBe(false);
  });

  it("is heard by a client that has closed its own side", async () => {
    const { socket, received, closed } = await openRaw(proxy.port);

    socket.end(startupMessage({ user: "nobody", database: "app" }));
    await closed;

    expect(received().toString()).toContain('role "nobody" does not exist');
    expect(await eventually(() => proxy.connections.length === 0)).toBe(true);
  });
});
