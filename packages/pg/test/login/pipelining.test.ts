import { connect, createServer, type Socket } from "node:net";

import type { Policy } from "@doorpolicy/core";
import { type FaultProxy, startFaultProxy, type Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { PgClient } from "../../src/driver/pg-internals.ts";
import { canBeFirst, mayPipeline, openClient } from "../../src/login/open-client.ts";
import { isLoopback } from "../../src/login/pipelined-handshake.ts";
import { sharedState } from "../../src/registry.ts";
import { eventually, type Pg, requirePg } from "../world.ts";
import { guarded, logIn, plainUrl, startLoginBed, VERSIONS } from "./login-world.ts";

const PIPELINED: Policy = {
  connections: { pipelineHandshake: true },
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
};

let bed: Testbed;
let proxy: FaultProxy;
let url: string;

beforeAll(async () => {
  bed = await startLoginBed({ tls: true });
  proxy = await startFaultProxy({ target: plainUrl(bed.urls.pooled) });
  url = proxy.url(plainUrl(bed.urls.pooled));
  await bed.sql("create table notes (text text unique)");
  await bed.sql("grant all on notes to app");
});
afterAll(async () => {
  await proxy.stop();
  await bed.stop();
});
beforeEach(() => {
  delete sharedState().login;
  proxy.clear();
});

/** What became of a connection and of the statement that was given before it was there. */
interface Outcome {
  readonly connection: unknown;
  readonly statement: unknown;
  readonly answers: number;
}

type Config = string | ConstructorParameters<Pg["Client"]>[0];

/** Opens a connection for one statement, and closes it. */
async function ask(
  pg: Pick<Pg, "Client">,
  config: Config,
  text: string,
  values?: unknown,
): Promise<Outcome> {
  let answers = 0;
  let opening: Promise<PgClient> | undefined;
  const statement = await new Promise((resolve) => {
    const callback = (error: unknown, result?: unknown): void => {
      answers += 1;
      resolve(error ?? Reflect.get(Object(result), "rows"));
    };
    const first = { config: text, values, callback };
    opening = openClient(() => clientOf(pg, config), { first });
    opening.catch(() => undefined);
  });
  const connection = await opening?.catch((error: unknown) => error);
  if (connection instanceof Error) return { connection, statement, answers };
  await (await opening)?.end();
  return { connection: "open", statement, answers };
}

function clientOf(pg: Pick<Pg, "Client">, config: Config): PgClient {
  const client: object = new pg.Client(config);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guard's own view of a client.
  return client as PgClient;
}

/** Names of what has passed, in its order; what the server says of itself is left out. */
function passed(connection?: number): string[] {
  return proxy.seen
    .filter((each) => connection === undefined || each.connection === connection)
    .filter(({ message }) => message !== "ParameterStatus")
    .map(({ direction, message }) => `${direction === "client" ? "→" : "←"} ${message}`);
}

const ANSWER = ["← RowDescription", "← DataRow", "← CommandComplete", "← ReadyForQuery"];
const LET_IN = [
  "← AuthenticationSASLFinal",
  "← AuthenticationOk",
  "← BackendKeyData",
  "← ReadyForQuery",
];

/** Three round trips. The proxy calls the first SASL message by what the server has asked for: nothing. */
const IN_THREE = [
  "→ Startup",
  "→ PasswordMessage",
  "← AuthenticationSASL",
  "← AuthenticationSASLContinue",
  "→ SASLResponse",
  "→ Query",
  ...LET_IN,
  ...ANSWER,
  "→ Terminate",
];

const IN_FIVE = [
  "→ Startup",
  "← AuthenticationSASL",
  "→ SASLInitialResponse",
  "← AuthenticationSASLContinue",
  "→ SASLResponse",
  ...LET_IN,
  "→ Query",
  ...ANSWER,
  "→ Terminate",
];

describe.each(VERSIONS)("with %s", (name) => {
  const module = requirePg(name);

  test("takes three round trips where the target has asked for SCRAM before, and five the first time", async () => {
    const { pg, seen } = guarded(module, PIPELINED);

    const first = await ask(pg, url, "select 1 as one");
    const five = passed();
    proxy.clear();
    // Nothing is said before it is known to wait for nothing.
    const asked = proxy.when({ direction: "server", message: "AuthenticationSASL" }, "hold");
    const proved = proxy.when({ direction: "server", message: "AuthenticationSASLFinal" }, "hold");
    const second = ask(pg, url, "select 2 as two");
    await eventually(() => expect(passed()).toContain("→ PasswordMessage"));
    asked.remove();
    await eventually(() => expect(passed()).toContain("→ Query"));
    proved.remove();

    expect([first, await second]).toEqual([
      { connection: "open", statement: [{ one: 1 }], answers: 1 },
      { connection: "open", statement: [{ two: 2 }], answers: 1 },
    ]);
    expect(five).toEqual(IN_FIVE);
    expect(passed().toSorted()).toEqual(IN_THREE.toSorted());
    expect(seen).toEqual([]);
  });

  test("sends values, and answers an error of the statement without losing the connection", async () => {
    const { pg } = guarded(module, PIPELINED);
    await logIn(pg, url);

    const bound = await ask(pg, url, "select $1::int + 1 as sum", [41]);
    const failed = await ask(pg, url, "select 1/0");
    const refused = await ask(pg, url, "select $1", "no array");

    expect(bound.statement).toEqual([{ sum: 42 }]);
    expect(failed).toMatchObject({ connection: "open", statement: { code: "22012" }, answers: 1 });
    expect(refused).toMatchObject({ connection: "open", answers: 1 });
    expect(String(refused.statement)).toContain("must be an array");
  });

  test("asks for the password when it is needed, and goes on with more statements", async () => {
    const { pg } = guarded(module, PIPELINED);
    const { hostname: host, port } = new URL(url);
    const config = {
      host,
      port: Number(port),
      user: "app",
      database: "app",
      password: async () => await Promise.resolve("app"),
    };
    await logIn(pg, config);
    proxy.clear();

    const client = await openClient(() => clientOf(pg, config));
    const rows = [await client.query("select 1 as n"), await client.query("select 2 as n")];
    await client.end();

    expect(rows).toMatchObject([{ rows: [{ n: 1 }] }, { rows: [{ n: 2 }] }]);
    expect(passed().slice(0, 2)).toEqual(["→ Startup", "→ PasswordMessage"]);
  });

  test("a refused login is the statement's error, which was not run", async () => {
    const { pg, seen } = guarded(module, PIPELINED);
    await logIn(pg, url);
    proxy.clear();

    const outcome = await ask(
      pg,
      plainUrl(url, { password: "wrong" }),
      "insert into notes values ('never')",
    );

    expect(passed()).toContain("→ Query");
    expect(outcome.answers).toBe(1);
    expect(String(outcome.connection)).toContain("SASL authentication failed");
    expect(String(outcome.statement)).toContain("SASL authentication failed");
    expect(await bed.sql("select * from notes where text = 'never'")).toEqual([]);
    expect(seen).toEqual([]);
  });

  test.each(["AuthenticationSASL", "AuthenticationSASLContinue"] as const)(
    "cut at %s, nothing was sent",
    async (message) => {
      const { pg, seen } = guarded(module, PIPELINED);
      await logIn(pg, url);
      using rule = proxy.when({ direction: "server", message }, { kind: "cut" });

      const outcome = await ask(pg, url, "insert into notes values ('never')");

      await rule.hit;
      expect(outcome.answers).toBe(1);
      expect(String(outcome.statement)).toMatch(/Connection terminated unexpectedly/);
      expect(outcome.statement).not.toHaveProperty("code");
      expect(seen).toEqual([]);
    },
  );

  test.each([
    "AuthenticationSASLFinal",
    "AuthenticationOk",
    "ParameterStatus",
    "BackendKeyData",
    "ReadyForQuery",
    "CommandComplete",
  ] as const)("cut at %s, a statement that writes may have been run", async (message) => {
    const { pg, seen } = guarded(module, PIPELINED);
    await logIn(pg, url);
    using rule = proxy.when({ direction: "server", message }, { kind: "cut" });

    const outcome = await ask(pg, url, `insert into notes values ('${name} ${message}')`);

    await rule.hit;
    expect(outcome.answers).toBe(1);
    expect(outcome.statement).toMatchObject({ code: "statement/outcome-unknown" });
    expect(seen).toMatchObject([{ rule: "statement/outcome-unknown" }]);
  });

  test("cut at our own final message, the statement behind it counts as sent", async () => {
    const { pg, seen } = guarded(module, PIPELINED);
    await logIn(pg, url);
    using rule = proxy.when({ direction: "client", message: "SASLResponse" }, { kind: "cut" });

    const writing = await ask(pg, url, "insert into notes values ('cut')");
    const reading = await ask(pg, url, "select 1");

    await rule.hit;
    expect(writing.statement).toMatchObject({ code: "statement/outcome-unknown" });
    expect(String(reading.statement)).toContain("Connection terminated unexpectedly");
    expect(seen).toHaveLength(1);
  });
});

describe("a server that has changed its mind", () => {
  let trusting: Testbed;
  let md5: Testbed;
  beforeAll(async () => {
    [trusting, md5] = await Promise.all([
      startLoginBed({ auth: "trust" }),
      startLoginBed({ auth: "md5" }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([trusting.stop(), md5.stop()]);
  });

  test.each(VERSIONS.flatMap((name) => [[name, "trust"] as const, [name, "md5"] as const]))(
    "%s starts over where it is %s now, and nobody notices",
    async (name, method) => {
      const { pg, seen } = guarded(requirePg(name), PIPELINED);
      await using way = await startWay(bed.urls.pooled);
      const config = plainUrl(bed.urls.pooled).replace(/:\d+\//, `:${way.port}/`);
      await logIn(pg, config);
      way.turn((method === "trust" ? trusting : md5).urls.pooled);

      const changed = await ask(pg, config, "select 1 as one");
      const known = await ask(pg, config, "select 2 as two");

      expect([changed, known]).toEqual([
        { connection: "open", statement: [{ one: 1 }], answers: 1 },
        { connection: "open", statement: [{ two: 2 }], answers: 1 },
      ]);
      // One for the first login, two for the change, and one when it is known.
      expect(way.accepted).toBe(4);
      expect(seen).toEqual([]);
    },
  );
});

/** Whether the second connection to where the policy leads was pipelined. */
async function isPipelined(policy: Policy, config: Config): Promise<boolean> {
  const { pg } = guarded(requirePg("pg"), policy);
  await logIn(pg, config);
  const before = mayPipeline(clientOf(pg, config));
  proxy.clear();
  await ask(pg, config, "select 1");
  const names = passed();
  const isAhead = names.indexOf("→ Query") === names.indexOf("→ SASLResponse") + 1;
  expect([before, isAhead]).toEqual([isAhead, isAhead]);
  return isAhead;
}

describe("is not done", () => {
  test.each<[string, Policy, () => Config]>([
    ["where the policy does not ask for it", { ...PIPELINED, connections: {} }, () => url],
    [
      "through a pooler of an unknown version",
      { ...PIPELINED, targets: { main: { pooler: { kind: "pgbouncer", mode: "transaction" } } } },
      () => url,
    ],
    ["in bypass", { ...PIPELINED, mode: "bypass" }, () => url],
    [
      "with channel binding",
      PIPELINED,
      () => ({ connectionString: url, enableChannelBinding: true }),
    ],
    ["in pg's pipeline mode", PIPELINED, () => ({ connectionString: url, pipeline: true })],
  ])("%s", async (_why, policy, config) => {
    expect(await isPipelined(PIPELINED, url)).toBe(true);
    expect(await isPipelined(policy, config())).toBe(false);
  });

  test("by a client that connects by itself: it could not start over", async () => {
    const { pg } = guarded(requirePg("pg"), PIPELINED);
    await logIn(pg, url);
    proxy.clear();

    await logIn(pg, url);

    expect(passed()).toEqual(IN_FIVE);
  });
});

describe("over TLS", () => {
  // What is encrypted cannot be seen by a proxy: the order of writes tells it.
  test.each<[string, string, boolean]>([
    ["verified, with the name", "sslmode=verify-full", true],
    ["not verified", "sslmode=no-verify", false],
    ["verified without the name", "uselibpqcompat=true&sslmode=verify-ca", false],
  ])("%s", async (_what, mode, isAhead) => {
    const { pg } = guarded(requirePg("pg"), PIPELINED);
    const ca = encodeURIComponent(bed.caFile ?? "");
    const config = `${plainUrl(bed.urls.pooled)}?${mode}&sslrootcert=${ca}`;
    await logIn(pg, config);
    const order: string[] = [];
    const make = (): PgClient => {
      const client = clientOf(pg, config);
      const { connection } = client;
      connection.on("authenticationSASLContinue", () => order.push("asked"));
      connection.on("authenticationSASLFinal", () => order.push("proved"));
      connection.once("sslconnect", () => {
        const { query } = Object.getPrototypeOf(connection);
        Object.assign(connection, {
          query(text: string) {
            order.push(text);
            return Reflect.apply(query, connection, [text]);
          },
        });
      });
      return client;
    };

    const rows = await new Promise((resolve, reject) => {
      const callback = (error: unknown, result?: unknown): void =>
        error instanceof Error ? reject(error) : resolve(result);
      void openClient(make, { first: { config: "select 1 as one", callback } }).then((client) =>
        client.end(),
      );
    });

    expect(rows).toMatchObject({ rows: [{ one: 1 }] });
    expect(order.indexOf("select 1 as one") < order.indexOf("proved")).toBe(isAhead);
  });
});

test("a pooler that takes nobody says so to the statement, which was not sent", async () => {
  const { pg, seen } = guarded(requirePg("pg"), PIPELINED);
  await logIn(pg, url);
  await bed.admin("DISABLE app");

  const outcome = await ask(pg, url, "insert into notes values ('disabled')");
  await bed.admin("ENABLE app");
  const after = await ask(pg, url, "select 1 as one");

  expect(outcome.statement).toBe(outcome.connection);
  expect(String(outcome.statement)).toContain("disabled");
  expect(after.statement).toEqual([{ one: 1 }]);
  expect(seen).toEqual([]);
});

test.each([
  ["127.0.0.1", true],
  ["127.8.0.9", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["10.0.0.127", false],
  ["192.168.127.1", false],
  ["::2", false],
  ["fe80::1", false],
  [undefined, false],
])("address %s is loopback: %s", (address, is) => {
  expect(isLoopback(address)).toBe(is);
});

test.each<[unknown, boolean]>([
  ["select 1", true],
  [{ text: "select $1", values: [1] }, true],
  [{ text: "select 1", callback: () => undefined }, false],
  [{ text: "select 1", submit: () => undefined }, false],
  [{}, false],
  [null, false],
  [undefined, false],
])("statement %o can be first: %s", (config, is) => {
  expect(canBeFirst(config)).toBe(is);
});

/** A TCP address whose server changes. */
interface Way extends AsyncDisposable {
  readonly port: number;
  readonly accepted: number;
  turn(to: string): void;
}

async function startWay(to: string): Promise<Way> {
  let target = new URL(to);
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    accepted += 1;
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get accepted() {
      return accepted;
    },
    turn(next) {
      target = new URL(next);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
