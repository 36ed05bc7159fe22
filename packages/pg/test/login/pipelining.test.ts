import { type FaultProxy, startFaultProxy, type Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { openClient } from "../../src/login/open-client.ts";
import { sharedState } from "../../src/registry.ts";
import { eventually, requirePg } from "../world.ts";
import { logIn, plainUrl, startLoginBed, VERSIONS } from "./login-world.ts";
import { IN_FIVE, IN_THREE, passed, PIPELINED } from "./pipelining-stage.ts";
import { ask, clientOf, guarded } from "./source-login.ts";

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

describe.each(VERSIONS)("with %s", (name) => {
  const module = requirePg(name);

  test("takes three round trips where the target has asked for SCRAM before, and five the first time", async () => {
    const { pg, seen } = guarded(module, PIPELINED);

    const first = await ask(pg, url, "select 1 as one");
    const five = passed(proxy);
    proxy.clear();
    // Nothing is said before it is known to wait for nothing.
    const asked = proxy.when({ direction: "server", message: "AuthenticationSASL" }, "hold");
    const proved = proxy.when({ direction: "server", message: "AuthenticationSASLFinal" }, "hold");
    const second = ask(pg, url, "select 2 as two");
    await eventually(() => expect(passed(proxy)).toContain("→ PasswordMessage"));
    asked.remove();
    await eventually(() => expect(passed(proxy)).toContain("→ Query"));
    proved.remove();

    expect([first, await second]).toEqual([
      { connection: "open", statement: [{ one: 1 }], answers: 1 },
      { connection: "open", statement: [{ two: 2 }], answers: 1 },
    ]);
    expect(five).toEqual(IN_FIVE);
    expect(passed(proxy).toSorted()).toEqual(IN_THREE.toSorted());
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
    expect(passed(proxy).slice(0, 2)).toEqual(["→ Startup", "→ PasswordMessage"]);
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

    expect(passed(proxy)).toContain("→ Query");
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
