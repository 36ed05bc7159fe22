import { once } from "node:events";
import { Agent, createServer, get, type Server } from "node:http";
import { connect } from "node:net";

import { detached, reportExternal, transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually } from "../world.ts";
import { type Actor, clear, type Stage, startStage } from "./stage.ts";

const RULE = "transaction/no-external-calls";
let stage: Stage;
let actor: Actor;
let server: Server;
let port: number;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor({ rules: { [RULE]: { runtime: "warn" } } });
  server = createServer((_, response) => response.end("ok"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(async () => {
  await actor[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  actor.seen.length = 0;
  await clear(stage);
});

const url = (path = "/"): string => `http://127.0.0.1:${port}${path}`;

function ask(path = "/", agent?: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url(path), agent === undefined ? {} : { agent }, (response) => {
      response.resume();
      response.on("end", () => resolve());
    }).on("error", reject);
  });
}

async function openSocket(): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

describe("a call to the outside while a transaction is open", () => {
  test.each([
    ["http", () => ask(), "An HTTP request (GET)"],
    ["fetch", () => fetch(url()).then((answer) => answer.text()), "An HTTP request (GET)"],
    ["a socket", openSocket, "A socket was opened"],
  ])("is reported once, with its host and place: %s", async (_, call, what) => {
    await transaction({ label: "POST /x" }, async () => {
      await actor.pool.query("select 1");
      await call();
    });

    await eventually(() => expect(actor.rules()).toEqual([RULE]));
    expect(actor.seen[0]?.message).toContain(what);
    expect(actor.seen[0]?.message).toContain(`127.0.0.1:${port}`);
    expect(actor.seen[0]?.action).toBe("reported");
  });

  test("is reported for each request over one kept connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });

    await transaction(async () => {
      await actor.pool.query("select 1");
      await ask("/", agent);
      await ask("/", agent);
      await openSocket();
    });
    agent.destroy();

    await eventually(() =>
      expect(actor.seen.map(({ message }) => message.split(" was ")[0]?.split(" to ")[0])).toEqual([
        "An HTTP request (GET)",
        "An HTTP request (GET)",
        "A socket",
      ]),
    );
  });

  test("is none of its business before its first statement, outside, and detached", async () => {
    await ask();
    await transaction(async () => {
      await ask();
      await actor.pool.query("select 1");
      await detached(() => ask());
    });
    await unitOfWork(async () => {
      await actor.pool.query("select 1");
      await ask();
    });

    expect(actor.seen).toEqual([]);
  });

  test("is reported in an ORM's own transaction in a unit of work", async () => {
    await unitOfWork(async () => {
      const client = await actor.pool.connect();
      await client.query("BEGIN");
      await ask();
      await client.query("COMMIT");
      await ask();
      client.release();
    });

    expect(actor.rules()).toEqual([RULE]);
  });

  test("is not reported to an exporter of traces", async () => {
    await transaction(async () => {
      await actor.pool.query("select 1");
      await ask("/v1/traces");
    });

    expect(actor.seen).toEqual([]);
  });

  test("is not reported to a host that is ignored", async () => {
    await using own = stage.actor({
      rules: { [RULE]: { runtime: "warn" } },
      externalCalls: { ignoreHosts: ["127.0.0.1"] },
    });

    await transaction(async () => {
      await own.pool.query("select 1");
      await ask();
      await fetch(url()).then((answer) => answer.text());
      await openSocket();
    });

    expect(own.seen).toEqual([]);
  });

  test("is not reported unless the policy says so", async () => {
    await using own = stage.actor();

    await transaction(async () => {
      await own.pool.query("select 1");
      await ask();
      reportExternal("a queue");
    });

    expect(own.seen).toEqual([]);
  });

  test("can be reported by hand, where no channel shows it", async () => {
    reportExternal("a queue");
    await transaction(async () => {
      reportExternal("a queue");
      await actor.pool.query("select 1");
      reportExternal("A message to a queue");
    });

    expect(actor.seen.map(({ message }) => message.split(" while ")[0])).toEqual([
      "A message to a queue was begun",
    ]);
  });
});
