import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  startFaultProxy,
  startTestbed,
  type FaultProxy,
  type ProxyMessage,
  type Testbed,
} from "@doorpolicy/testbed";
import { clientMessage, int32 } from "../../src/wire/messages.ts";
import { eventually, listening, open, openRaw, outcome, socketOf, spoken } from "./clients.ts";
import { copyIn, copyOut } from "./copy.ts";
import { ANSWERED, SENT, speak, speakInSlices } from "./session.ts";

let bed: Testbed;
let proxy: FaultProxy;
let url: string;

/** The testbed's URLs ask for TLS; most of these tests want to be understood. */
const plain = (tlsUrl: string): string => tlsUrl.replace(/\?.*$/, "");

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, auth: "scram", tls: true });
  await bed.sql("create table copied (n int, t text); grant all on copied to app", "app");
});
beforeEach(async () => {
  proxy = await startFaultProxy({ target: bed.urls.direct });
  url = proxy.url(plain(bed.urls.direct));
  return () => proxy.stop();
});
afterAll(() => bed?.stop());

/** Sums of the transcript: what the client sent, what the server sent. */
const bytesSeen = (): number[] =>
  ["client", "server"].map((side) =>
    proxy.seen
      .filter(({ direction }) => direction === side)
      .reduce((sum, { bytes }) => sum + bytes, 0),
  );

/** Whether PostgreSQL has no connection of this name any more. */
const isGone = async (name: string): Promise<boolean> =>
  (await bed.sql(`select from pg_stat_activity where application_name = '${name}'`)).length === 0;

const queryOf = (sql: string) =>
  ({
    direction: "client",
    message: "Query",
    match: (message: ProxyMessage) => message.sql === sql,
  }) as const;

describe("the transcript", () => {
  it("is what was sent and answered", async () => {
    const rows = await speak(url);

    expect(rows).toEqual([1, 2, 3]);
    expect(spoken(proxy, "client")).toEqual(SENT);
    expect(spoken(proxy, "server")).toEqual(ANSWERED);
  });

  it("is the same, and the answers are, when packets are 7 bytes long", async () => {
    const heard = await speakInSlices(plain(bed.urls.direct), 7);

    expect(heard).toEqual({ rows: [1, 2, 3], sent: SENT, answered: ANSWERED });
  });

  it("has the lengths of what went over the wire", async () => {
    const client = await open(url);

    await client.query("select repeat('x', 10) from generate_series(1, 1000)");

    expect(bytesSeen()).toEqual([socketOf(client).bytesWritten, socketOf(client).bytesRead]);
  });

  it("cuts long SQL, which a rule sees whole", async () => {
    const client = await open(url);
    const sql = `select '${"ä".repeat(20_000)}' as long`;
    const rule = proxy.when(
      { direction: "client", message: "Query", match: (message) => message.sql === sql },
      "count",
    );
    proxy.clear();

    await client.query(sql);
    rule.remove();
    await client.query(sql);

    expect(rule.count).toBe(1);
    const head = `${sql.slice(0, 500)}…`;
    expect(proxy.seen.map((message) => message.sql).filter(Boolean)).toEqual([head, head]);
  });

  it("keeps the newest, counts the others, and is empty when cleared", async () => {
    await using small = await startFaultProxy({ target: bed.urls.direct, transcript: 3 });
    const client = await open(small.url(plain(bed.urls.direct)));
    const before = small.dropped;

    await client.query("select 1 where false");
    await client.query("");

    expect(small.seen.map(({ message }) => message)).toEqual([
      "Query",
      "EmptyQueryResponse",
      "ReadyForQuery",
    ]);
    expect(small.dropped - before).toBe(7);
    small.clear();
    expect([small.seen, small.dropped]).toEqual([[], 0]);
  });

  it("can be left out, and rules work without it", async () => {
    await using silent = await startFaultProxy({ target: bed.urls.direct, transcript: 0 });
    const rule = silent.when(
      { direction: "server", message: "CommandComplete", match: ({ tag }) => tag === "BEGIN" },
      "count",
    );

    await speak(silent.url(plain(bed.urls.direct)));

    expect(silent.seen).toEqual([]);
    expect(rule.count).toBe(1);
  });

  it("has no password, and no value of a parameter", async () => {
    const client = await open(url);

    await client.query("select $1::text", ["a-secret-value"]);

    expect(JSON.stringify(proxy.seen)).not.toMatch(/a-secret-value|"password"/);
  });
});

describe("passing through", () => {
  it("changes nothing in a result of 10 MB", async () => {
    const sql = "select md5(n::text) || repeat('x', 968) as line from generate_series(1, 10000) n";
    const digest = async (through: string): Promise<string> => {
      const client = await open(through);
      const { rows } = await client.query(sql);
      await client.end();
      return createHash("md5")
        .update(rows.map(({ line }) => line).join())
        .digest("hex");
    };

    const [direct, proxied] = [await digest(plain(bed.urls.direct)), await digest(url)];

    expect(proxied).toBe(direct);
    expect(proxy.seen.find(({ message }) => message === "DataRow")?.times).toBe(10_000);
  });

  it("changes nothing in COPY, in either direction", async () => {
    const lines = Array.from({ length: 5_000 }, (_, n) => `${n}\tline ${n}\n`);
    const client = await open(url);

    await copyIn(client, "copy copied from stdin", lines);
    const copied = await copyOut(client, "copy (select * from copied order by n) to stdout");

    expect(copied).toBe(lines.join(""));
    const names = proxy.seen.filter(({ message }) => message.startsWith("Copy"));
    expect(names.map(({ direction, message, times }) => [direction, message, times])).toEqual([
      ["server", "CopyInResponse", 1],
      ["client", "CopyData", 5_000],
      ["client", "CopyDone", 1],
      ["server", "CopyOutResponse", 1],
      ["server", "CopyData", 5_000],
      ["server", "CopyDone", 1],
    ]);
  });

  it("mixes nothing up between 50 clients at a time, through PgBouncer too", async () => {
    await using pooled = await startFaultProxy({ target: bed.urls.pooled });
    const through = pooled.url(plain(bed.urls.pooled));

    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const client = await open(through);
        const first = await client.query("select $1::int as n", [n * 10]);
        const second = await client.query("select $1::int as n", [n * 10 + 1]);
        await client.end();
        return [first.rows[0].n, second.rows[0].n];
      }),
    );

    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => [n * 10, n * 10 + 1]));
    expect(await eventually(() => pooled.connections.length === 0)).toBe(true);
  });

  it("holds a server back whose client does not read", async () => {
    const client = await open(url);
    const { rows } = await client.query("select pg_backend_pid() as pid");
    socketOf(client).pause();

    const answer = outcome(
      client.query("select repeat('x', 1000) from generate_series(1, 200000)"),
    );
    const stands = await eventually(async () => {
      const [, before] = bytesSeen();
      const [row] = await bed.sql(
        `select wait_event from pg_stat_activity where pid = ${rows[0].pid} and state = 'active'`,
      );
      return row?.["wait_event"] === "ClientWrite" && bytesSeen()[1] === before;
    });

    // Of 200 MB only what the buffers of three sockets hold is under way.
    expect(stands).toBe(true);
    expect(bytesSeen()[1]).toBeLessThan(50_000_000);
    proxy.connections[0]?.cut("rst");
    socketOf(client).resume();
    expect(await answer).not.toBe("done");
  });

  it("lets what is no PostgreSQL protocol pass", async () => {
    const echo = createServer((socket) => socket.pipe(socket));
    const port = await listening(echo);
    await using other = await startFaultProxy({ target: { host: "127.0.0.1", port } });
    const { socket, received, closed } = await openRaw(other.port);

    socket.write("PING");
    expect(await eventually(() => received().toString() === "PING")).toBe(true);
    socket.end(" and more\r\n");
    await closed;
    echo.close();

    expect(received().toString()).toBe("PING and more\r\n");
    expect(other.seen).toEqual([]);
  });

  it("resets a client whose server cannot be reached", async () => {
    const taken = createServer();
    const port = await listening(taken);
    taken.close();
    await once(taken, "close");
    await using nowhere = await startFaultProxy({ target: { host: "127.0.0.1", port } });

    const failure = open(nowhere.url(plain(bed.urls.direct)));

    await expect(failure).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(nowhere.connections).toEqual([]);
  });
});

describe("CancelRequest", () => {
  it("is seen with the process that it is for, and can be lost", async () => {
    const client = await open(url);
    const [processID, secretKey]: number[] = ["processID", "secretKey"].map((key) =>
      Reflect.get(client, key),
    );
    const cancel = async (): Promise<void> => {
      const { socket, closed } = await openRaw(proxy.port);
      const body = [80_877_102, processID ?? 0, secretKey ?? 0].map((value) => int32(value));
      socket.write(clientMessage("", ...body));
      await closed;
    };
    const lost = proxy.when({ direction: "client", message: "CancelRequest", nth: 1 }, "cut");

    const answer = outcome(client.query("select pg_sleep(60)"));
    await eventually(async () => {
      const rows = await bed.sql("select from pg_stat_activity where wait_event = 'PgSleep'");
      return rows.length === 1;
    });
    await cancel();
    const [still] = await bed.sql(
      "select count(*) from pg_stat_activity where wait_event = 'PgSleep'",
    );
    await cancel();

    expect(await answer).toMatch(/canceling statement due to user request/);
    expect(still).toEqual({ count: "1" });
    expect(lost.count).toBe(2);
    const requests = proxy.seen.filter(({ message }) => message === "CancelRequest");
    expect(requests.map(({ pid, met }) => [pid, met])).toEqual([
      [processID, "cut"],
      [processID, undefined],
    ]);
  });
});

describe("TLS", () => {
  it("passes as it is: verified by the client, opaque to rules, cut as a whole", async () => {
    const rule = proxy.when({ direction: "client", message: "Query" }, "cut");
    const client = await open(proxy.url(bed.urls.direct));

    const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    const [connection] = proxy.connections;

    expect(rows).toEqual([{ ssl: true }]);
    expect(proxy.seen.map(({ message, status }) => [message, status])).toEqual([
      ["SSLRequest", undefined],
      ["SSLResponse", "S"],
    ]);
    expect([connection?.opaque, connection?.startup, rule.count]).toEqual([true, undefined, 0]);
    const answer = outcome(client.query("select pg_sleep(60)"));
    connection?.cut("rst");
    expect(await answer).toMatch(/ECONNRESET/);
  });

  it("can be cut before it begins", async () => {
    proxy.when({ direction: "server", message: "SSLResponse" }, "cut");

    const failure = await outcome(open(proxy.url(bed.urls.direct)));

    expect(failure).toMatch(/terminated unexpectedly/);
  });
});

describe("stop()", () => {
  it("closes what is open, held, delayed, black-holed and cut, and the port", async () => {
    const named = `${url}?application_name=to-be-stopped`;
    const rules = [
      proxy.when(queryOf("select 1"), "hold"),
      proxy.when(queryOf("select 2"), { kind: "delay", ms: 60_000 }),
      proxy.when(queryOf("select 3"), "blackHole"),
    ];
    const clients = await Promise.all([1, 2, 3, 4].map(() => open(named)));
    const answers = clients
      .slice(0, 3)
      .map((client, n) => outcome(client.query(`select ${n + 1}`)));
    await Promise.all(rules.map(({ hit }) => hit));
    // A client that does not close its side: the cut ends only ours.
    const deaf = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
    await once(deaf, "connect");
    await eventually(() => proxy.connections.length === 5);
    proxy.connections[4]?.cut();

    await Promise.all([proxy.stop(), proxy.stop()]);

    expect(proxy.connections).toEqual([]);
    expect(await Promise.all(answers)).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/terminated|ECONNRESET/)),
    );
    expect(await outcome(open(url))).toMatch(/ECONNREFUSED/);
    deaf.destroy();
    expect(await eventually(() => isGone("to-be-stopped"))).toBe(true);
  });
});
