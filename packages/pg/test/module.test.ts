import { inspect } from "node:util";

import { definePolicy } from "@doorpolicy/core";
import { guardPg, isGuardedPg, poolsOf, resolveForProcess } from "@doorpolicy/pg";
import plainPg from "pg";
import * as namespace from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { eventually, type Pg, rejection, requirePg, startWorld, type World } from "./world.ts";

const policy = definePolicy({
  mode: "enforce",
  naming: { app: "billing", user: "deploy", host: "web-1" },
});
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

describe("a guarded module", () => {
  test("has subclasses, and leaves the module that was given as it is", () => {
    const { Client, Pool } = plainPg;

    const guarded = guardPg(plainPg, policy);

    expect(new guarded.Pool({ host: "127.0.0.1" })).toBeInstanceOf(plainPg.Pool);
    expect(new guarded.Client({ host: "127.0.0.1" })).toBeInstanceOf(plainPg.Client);
    expect(guarded.types).toBe(plainPg.types);
    expect([plainPg.Client, plainPg.Pool]).toEqual([Client, Pool]);
    expect(guarded.native).toBeUndefined();
  });

  const madeFromPg: Pg = Object.create(plainPg);
  test.each([
    ["the default import", plainPg],
    ["the namespace", namespace],
    ["require()", requirePg("pg")],
    ["an object made from pg", madeFromPg],
  ])("works from %s", async (_, module) => {
    const guarded = guardPg(module, policy);
    const pool = new guarded.Pool({ connectionString: world.bed.urls.pooled });

    const { rows } = await pool.query("select current_setting('application_name') as name");

    expect(rows).toEqual([{ name: "billing:deploy@web-1" }]);
    await pool.end();
  });

  test("carries no unguarded module along as its default", () => {
    const guarded = guardPg(namespace, policy);

    expect(guarded.default).toBe(guarded);
  });

  test("is returned unchanged under the same policy, and guarded anew from below under another", () => {
    const other = definePolicy({ mode: "observe", naming: { app: "other" } });
    const guarded = guardPg(plainPg, policy);

    const again = guardPg(guarded, policy);
    const spread = guardPg({ ...guarded }, policy);
    const anew = guardPg(guarded, other);
    const direct = guardPg(guarded, policy, { lane: "direct" });

    expect(again).toBe(guarded);
    expect(spread.Pool).toBe(guarded.Pool);
    expect(Object.getPrototypeOf(anew.Client)).toBe(plainPg.Client);
    expect(Object.getPrototypeOf(direct.Pool)).toBe(plainPg.Pool);
  });

  test("guards the Client class that a service brings, and keeps what it adds", async () => {
    class Traced extends plainPg.Client {
      readonly traced: boolean = true;
    }
    const { pg, seen } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled, Client: Traced });

    const client = await pool.connect();
    await client.query("BEGIN");
    client.release();
    await pool.end();

    expect(client).toMatchObject({ traced: true });
    expect(seen).toMatchObject([{ rule: "transaction/left-open", action: "rolled-back" }]);
  });

  test("keeps a password that pg has hidden, and shows it nowhere", async () => {
    const { hostname, port } = new URL(world.bed.urls.pooled);
    const first = new plainPg.Pool({
      host: hostname,
      port: Number(port),
      user: "app",
      database: "app",
      password: "hidden-one",
    });

    const pool = new (guardPg(plainPg, policy).Pool)(first.options);

    expect(Reflect.get(pool.options, "password")).toBe("hidden-one");
    expect(JSON.stringify(pool.options)).not.toContain("hidden-one");
    expect(
      inspect(
        new (guardPg(plainPg, policy).Pool)({ connectionString: "postgres://u:hidden-two@h/d" }),
      ),
    ).not.toContain("hidden-two");
    await Promise.all([first.end(), pool.end()]);
  });
});

/** As much of pg-native's client as tells it apart; the binding itself is not installed. */
class NativeClient {
  _hasActiveQuery(): boolean {
    return false;
  }
  connect(): void {}
  query(): void {}
  end(): void {}
}

describe("a pool or client that is not told where to connect", () => {
  test("goes to the policy's target, by the lane that was chosen", async () => {
    const { pooled, direct } = world.bed.urls;
    const targets = {
      main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled, direct },
    } as const;
    const { pg } = world.guard({ targets });
    const around = world.guard({ targets }, plainPg, { lane: "direct" }).pg;
    const pools = [new pg.Pool(), new pg.Pool({ max: 2 }), new around.Pool()];
    const client = new pg.Client();
    await client.connect();

    const ports = await Promise.all(
      pools.map(async (pool) => {
        const checkout = await pool.connect();
        checkout.release();
        return String(checkout.port);
      }),
    );

    expect(ports).toEqual([pooled, pooled, direct].map((url) => new URL(url).port));
    expect(String(client.port)).toBe(new URL(pooled).port);
    await Promise.all([client.end(), ...pools.map((pool) => pool.end())]);
  });

  test("stays with its own options", () => {
    const { pg } = world.guard({ targets: { main: { pooled: world.bed.urls.pooled } } });

    expect(new pg.Client({ host: "db.internal" }).host).toBe("db.internal");
    expect(new pg.Client("postgres://u@other.internal/d").host).toBe("other.internal");
  });
});

describe("what cannot be guarded", () => {
  test("no pg at all", () => {
    expect(() => guardPg(undefined, policy)).toThrow(
      expect.objectContaining({
        code: "driver/missing",
        message: "pg is not installed. Run `npm install pg`.",
      }),
    );
  });

  test("the native binding", () => {
    expect(() => guardPg({ Client: NativeClient, Pool: plainPg.Pool }, policy)).toThrow(
      expect.objectContaining({ code: "driver/native" }),
    );
  });

  test("a pg that is not as expected, with its version and the tested range", () => {
    const changed = requirePg("pg811");
    const { prototype } = changed.Client;
    const getStartupConf: unknown = Reflect.get(prototype, "getStartupConf");
    Reflect.deleteProperty(prototype, "getStartupConf");

    const guarding = (): unknown => guardPg(changed, policy);

    expect(guarding).toThrow(
      expect.objectContaining({
        code: "driver/unsupported",
        message: expect.stringMatching(
          /^pg 8\.11\.0 cannot be guarded: .*from 8\.5\.1 to 8\.23\.1/,
        ),
      }),
    );
    Reflect.set(prototype, "getStartupConf", getStartupConf);
  });

  test.each([[{}], [{ Client: 1, Pool: 2 }], [{ Client: Map, Pool: Set }]])("%o", (module) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a caller without types does it.
    expect(() => guardPg(module as never, policy)).toThrow(
      expect.objectContaining({ code: "driver/unsupported" }),
    );
  });
});

describe("in bypass, what cannot be guarded", () => {
  const bypass = definePolicy({
    mode: "bypass",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    connections: { maxPerProcess: 3 },
  });

  test("runs unguarded, bears the name, and says so once", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    const changed = { Client: NativeClient, Pool: plainPg.Pool };

    const unguarded = [1, 2].map(() => guardPg(changed, bypass))[1];
    const pool = new (unguarded ?? changed).Pool({ connectionString: world.bed.urls.pooled });
    const { rows } = await pool.query("select current_setting('application_name') as name");

    expect(rows).toEqual([{ name: "billing:deploy@web-1" }]);
    expect(pool.options.max).toBe(3);
    expect(pool).toBeInstanceOf(plainPg.Pool);
    expect(unguarded).toMatchObject({ Client: NativeClient, native: undefined });
    expect(isGuardedPg(unguarded)).toBe(false);
    await eventually(() =>
      expect(warnings.filter(({ message }) => message.includes("runs unguarded"))).toMatchObject([
        { code: "DOORPOLICY_UNGUARDED", message: expect.stringContaining("The native driver") },
      ]),
    );
    process.off("warning", onWarning);
    await pool.end();
  });

  test("still has to be a pg", () => {
    expect(() => guardPg(undefined, bypass)).toThrow(
      expect.objectContaining({ code: "driver/missing" }),
    );
  });
});

describe("the pools of a module", () => {
  test("can be ended by somebody who did not make them", async () => {
    const guarded = guardPg(plainPg, policy);
    const other = guardPg(plainPg, policy);
    const pool = new guarded.Pool({ connectionString: world.bed.urls.pooled });
    const foreign = new other.Pool({ connectionString: world.bed.urls.pooled });
    await pool.query("select 1");

    expect(poolsOf(guarded)).toEqual([pool]);
    await Promise.all(poolsOf(guarded).map((one) => one.end()));

    expect(await rejection(pool.query("select 1"))).toMatchObject({
      message: expect.stringContaining("calling end"),
    });
    expect(poolsOf(guarded)).toEqual([]);
    expect(poolsOf(other)).toEqual([foreign]);
    await foreign.end();
    await eventually(async () => expect(await world.clients()).toEqual([]));
  });
});

describe("a pool that is ended at once", () => {
  test("takes back what is held, and rolls back what is open", async () => {
    const { pg, seen } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");

    await poolsOf(pg)[0]?.endNow();

    expect(seen).toMatchObject([{ rule: "transaction/left-open", action: "rolled-back" }]);
    expect(await rejection(client.query("select 1"))).toMatchObject({
      code: "connection/released",
    });
    expect(await world.openTransactions()).toBe(0);
  });
});

describe("the policy of a process", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("says once what the environment overrides", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    vi.stubEnv("DOORPOLICY_MODE", "bypass");
    const overridden = definePolicy({ mode: "enforce", naming: { app: "billing" } });

    const modes = [1, 2].map(() => resolveForProcess(overridden).targets["main"]?.mode);

    expect(modes).toEqual(["bypass", "bypass"]);
    await eventually(() =>
      expect(warnings.filter(({ message }) => message.includes("DOORPOLICY_MODE"))).toMatchObject([
        { name: "DoorpolicyWarning", code: "DOORPOLICY_NOTICE" },
      ]),
    );
    process.off("warning", onWarning);
  });

  test("is resolved once, from the environment of the process", () => {
    const one = resolveForProcess(definePolicy({ naming: { app: "billing" } }));

    expect(one.name.text).toMatch(/^billing:[^@]+@[^@]+$/);
    expect(resolveForProcess(one)).toBe(one);
    expect(resolveForProcess(policy)).toBe(resolveForProcess(policy));
  });
});
