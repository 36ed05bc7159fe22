import type { Policy } from "@doorpolicy/core";
import { type FaultProxy, startFaultProxy, type Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { PgClient } from "../../src/driver/pg-internals.ts";
import { loginOf } from "../../src/login/login.ts";
import { canBeFirst, openClient } from "../../src/login/open-client.ts";
import { isLoopback } from "../../src/login/pipelined-handshake.ts";
import { sharedState } from "../../src/registry.ts";
import { requirePg } from "../world.ts";
import { logIn, plainUrl, startLoginBed, VERSIONS } from "./login-world.ts";
import { IN_FIVE, passed, PIPELINED, startWay } from "./pipelining-stage.ts";
import { ask, clientOf, type Config, guarded } from "./source-login.ts";

let bed: Testbed;
let proxy: FaultProxy;
let url: string;

beforeAll(async () => {
  bed = await startLoginBed({ tls: true });
  proxy = await startFaultProxy({ target: plainUrl(bed.urls.pooled) });
  url = proxy.url(plainUrl(bed.urls.pooled));
});
afterAll(async () => {
  await proxy.stop();
  await bed.stop();
});
beforeEach(() => {
  delete sharedState().login;
  proxy.clear();
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
  const before = loginOf(clientOf(pg, config))?.canPipeline === true;
  proxy.clear();
  await ask(pg, config, "select 1");
  const names = passed(proxy);
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

    expect(passed(proxy)).toEqual(IN_FIVE);
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
