import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startFaultProxy, startTestbed, type FaultProxy, type Testbed } from "@doorpolicy/testbed";
import { clientMessage, startupMessage } from "../../src/wire/messages.ts";
import { eventually, FIN, isPending, open, openRaw, outcome, RST } from "./clients.ts";

let bed: Testbed;
let proxy: FaultProxy;
let url: string;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, pooler: false });
});
beforeEach(async () => {
  proxy = await startFaultProxy({ target: bed.urls.direct });
  url = proxy.url(bed.urls.direct);
  return () => proxy.stop();
});
afterAll(() => bed?.stop());

/** Timers that keep this process alive. */
const timers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

describe("rules", () => {
  it("act on the nth message only, over all connections", async () => {
    const rule = proxy.when({ direction: "client", message: "Query", nth: 3 }, "cut");
    const [first, second] = [await open(url), await open(url)];

    await first.query("select 1");
    await second.query("select 2");

    expect(await outcome(first.query("select 3"))).toBe(FIN);
    await second.query("select 4");
    expect(rule.count).toBe(4);
  });

  it("are about one connection, where they say so", async () => {
    const [first, second] = [await open(url), await open(url)];
    const rule = proxy.when({ direction: "client", message: "Query", connection: 2 }, "cut");

    await first.query("select 1");

    expect(await outcome(second.query("select 2"))).toBe(FIN);
    expect(rule.count).toBe(1);
  });

  it("are about several messages, or all of a direction", async () => {
    const client = await open(url);
    const some = proxy.when({ direction: "client", message: ["Parse", "Query"] }, "count");
    const all = proxy.when({ direction: "client" }, "count");

    await client.query("select 1");
    await client.query("select $1::int", [1]);

    expect(some.count).toBe(2);
    expect(all.count).toBe(6);
  });

  it("take effect on a connection that is open, and none after their removal", async () => {
    const client = await open(url);
    const rule = proxy.when({ direction: "client", message: "Query" }, "count");

    await client.query("select 1");
    rule.remove();
    await client.query("select 2");

    expect(rule.count).toBe(1);
  });

  it("act in the order in which they were made, until one ends the connection", async () => {
    const client = await open(url);
    const query = { direction: "client", message: "Query" } as const;
    const [counted, held, cut, late] = [
      proxy.when(query, "count"),
      proxy.when(query, "hold"),
      proxy.when(query, "cut"),
      proxy.when(query, "blackHole"),
    ];

    const answer = client.query("select 1");
    await held.hit;
    expect([counted.count, cut.count]).toEqual([1, 1]);
    expect([await isPending(answer), await isPending(cut.hit)]).toEqual([true, true]);
    held.release();

    expect(await outcome(answer)).toBe(FIN);
    expect(await cut.hit).toMatchObject({ sql: "select 1", met: "cut" });
    expect(await isPending(late.hit)).toBe(true);
  });

  it("let go what they hold when they are removed, and the message goes on to the next rule", async () => {
    const client = await open(url);
    const query = { direction: "client", message: "Query" } as const;
    const [first, second] = [proxy.when(query, "hold"), proxy.when(query, "hold")];

    const answer = client.query("select 1");
    await first.hit;
    first.remove();
    await second.hit;
    const pending = await isPending(answer);
    second[Symbol.dispose]();

    expect(pending).toBe(true);
    expect(await outcome(answer)).toBe("done");
  });

  it("that are removed while a message waits do nothing to it any more", async () => {
    const client = await open(url);
    const query = { direction: "client", message: "Query" } as const;
    const [held, cut] = [proxy.when(query, "hold"), proxy.when(query, "cut")];

    const answer = client.query("select 1");
    await held.hit;
    cut.remove();
    held.release();

    expect(await outcome(answer)).toBe("done");
  });

  it("hold one direction only, and what is behind keeps its place", async () => {
    const { socket, received } = await openRaw(proxy.port);
    const isSaid = (what: string) => () => received().includes(what);
    socket.write(startupMessage({ user: "app", database: "app" }));
    await eventually(() => received().at(-6) === 0x5a);
    const rule = proxy.when(
      { direction: "client", message: "Query", match: ({ sql }) => sql === "select 'held'" },
      "hold",
    );

    const queries = ["select 'first', pg_sleep(0.02)", "select 'held'", "select 'last'"];
    socket.write(Buffer.concat(queries.map((sql) => clientMessage("Q", sql))));
    await rule.hit;
    expect(await eventually(isSaid("first"))).toBe(true);
    await bed.sql("select 1");
    const early = ["held", "last"].filter((what) => received().includes(what));
    rule.release();

    expect(await eventually(isSaid("last"))).toBe(true);
    expect(early).toEqual([]);
    const said = proxy.seen.flatMap(({ message, sql }) =>
      message === "CommandComplete" ? ["done"] : (sql ?? []),
    );
    expect(said).toEqual([queries[0], queries[1], "done", queries[2], "done", "done"]);
    expect(received().indexOf("held")).toBeLessThan(received().indexOf("last"));
  });

  it("that delay keep no process alive", async () => {
    const client = await open(url);
    let before = -1;
    const rule = proxy.when(
      { direction: "client", message: "Query", match: () => (before = timers()) >= 0 },
      { kind: "delay", ms: 60_000 },
    );
    // Nothing else runs between the question and this.
    const after = rule.hit.then(timers);

    const answer = outcome(client.query("select 1"));

    expect(await after).toBe(before);
    proxy.connections[0]?.cut();
    expect(await answer).toBe(FIN);
  });

  it("say by `hit` when they end before a message met them", async () => {
    const removed = proxy.when({ direction: "client", message: "CopyFail" }, "cut");
    const left = proxy.when({ direction: "server", message: "CopyData" }, "cut");

    removed.remove();
    await proxy.stop();

    await expect(removed.hit).rejects.toMatchObject({ code: "testbed/stopped" });
    await expect(left.hit).rejects.toMatchObject({ code: "testbed/stopped" });
    expect(() => proxy.when({ direction: "client" }, "cut")).toThrowError(/has been stopped/);
  });

  it.each([
    [`{ "direction": "clint" }`, `"cut"`, 'did you mean "client"?'],
    [`{ "direction": "client", "message": "Qery" }`, `"cut"`, 'did you mean "Query"?'],
    [`{ "direction": "client", "message": "DataRow" }`, `"cut"`, "`message`"],
    [`{ "direction": "client", "mesage": "Query" }`, `"cut"`, "`mesage`"],
    [`{ "direction": "client", "nth": 0 }`, `"cut"`, "`nth`"],
    [`{ "direction": "client", "connection": 1.5 }`, `"cut"`, "`connection`"],
    [`{ "direction": "client" }`, `"blackhole"`, 'did you mean "blackHole"?'],
    [`{ "direction": "client" }`, `{ "kind": "delay", "ms": -1 }`, "`ms`"],
    [`{ "direction": "client" }`, `{ "kind": "delay", "ms": 3000000000 }`, "`ms`"],
    [`{ "direction": "client" }`, `{ "kind": "truncate" }`, "`bytes`"],
    [`{ "direction": "client" }`, `{ "kind": "cut", "with": "reset" }`, "`with`"],
    [`{ "direction": "client" }`, `{ "kind": "hold", "ms": 1 }`, "`kind`"],
  ])("%s, %s is refused by name", (condition, action, words) => {
    const make = (): unknown => proxy.when(JSON.parse(condition), JSON.parse(action));

    expect(make).toThrowError(expect.objectContaining({ code: "testbed/invalid-option" }));
    expect(make).toThrowError(words);
  });
});

describe("a connection", () => {
  it("is known by its number and by what its startup packet says, and can be cut at any time", async () => {
    const client = new pg.Client({ connectionString: url, application_name: "billing:me@here" });
    client.on("error", () => {});
    await client.connect();
    const sleeping = client.query("select pg_sleep(60)");
    await eventually(() => proxy.seen.some(({ sql }) => sql === "select pg_sleep(60)"));
    const [connection] = proxy.connections;

    connection?.cut("rst");

    expect(connection?.number).toBe(1);
    expect(connection?.startup).toMatchObject({ application_name: "billing:me@here", user: "app" });
    expect(await outcome(sleeping)).toBe(RST);
    expect(proxy.connections).toEqual([]);
    await bed.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
  });

  it("can be black-holed at any time", async () => {
    const client = await open(url);
    await client.query("select 1");

    proxy.connections[0]?.blackHole();
    const answer = client.query("select 2");
    await (await open(url)).query("select 3");

    expect(await isPending(answer)).toBe(true);
    expect(proxy.seen.map(({ sql }) => sql).filter((sql) => sql?.startsWith("select"))).toEqual([
      "select 1",
      "select 3",
    ]);
    proxy.connections[0]?.cut();
    expect(await outcome(answer)).toBe(FIN);
  });
});
