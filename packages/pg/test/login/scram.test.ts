import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { inspect } from "node:util";

import type { Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { sharedState } from "../../src/registry.ts";
import { rejection, requirePg } from "../world.ts";
import {
  countDerivations,
  guarded,
  logIn,
  plainUrl,
  startLoginBed,
  VERSIONS,
} from "./login-world.ts";

let bed: Testbed;
let roles = 0;

beforeAll(async () => {
  bed = await startLoginBed({ tls: true });
});
afterAll(async () => {
  await bed.stop();
});

/** A role that nobody has logged in as, with SCRAM at Postgres itself. */
async function newRole(password: string): Promise<{ readonly user: string; readonly url: string }> {
  const user = `role_${++roles}`;
  await setPassword(user, password, "create");
  return { user, url: plainUrl(bed.urls.direct, { user, password }) };
}

async function setPassword(
  user: string,
  password: string,
  verb: "create" | "alter",
): Promise<void> {
  const literal = `'${password.replaceAll("'", "''")}'`;
  await bed.sql(`${verb} role ${user} login password ${literal}`);
}

/** What it gives, and how many derivations that took; the testbed's own clients derive keys as well. */
async function derivationsOf(action: () => Promise<unknown>): Promise<readonly [unknown, number]> {
  using derived = countDerivations();
  const given = await action();
  return [given, derived.count];
}

describe.each(VERSIONS)("with %s", (name) => {
  const module = requirePg(name);

  test("derives the keys of a login once, for those that come at the same time as well", async () => {
    const { pg, seen } = guarded(module);
    const { user, url } = await newRole("once");
    using derived = countDerivations();

    const together = await Promise.all(Array.from({ length: 10 }, () => logIn(pg, url)));
    const later = [await logIn(pg, url), await logIn(pg, url)];

    expect([...together, ...later]).toEqual(Array.from({ length: 12 }, () => user));
    expect(derived.count).toBe(1);
    expect(seen).toEqual([]);
  });

  test("logs in through PgBouncer, whose verifiers keep their salt", async () => {
    const { pg, seen } = guarded(module);
    const url = plainUrl(bed.urls.pooled);
    await logIn(pg, url);
    using derived = countDerivations();

    for (let login = 0; login < 5; login++) expect(await logIn(pg, url)).toBe("app");

    expect(derived.count).toBe(0);
    expect(seen).toEqual([]);
  });

  test("refuses a wrong password in pg's words, keeps nothing of it, and takes the right one next", async () => {
    const { pg } = guarded(module);
    const { user, url } = await newRole("right");
    const wrong = plainUrl(url, { password: "wrong" });
    const stock = await rejection(logIn(module, wrong));
    using derived = countDerivations();

    const errors = [await rejection(logIn(pg, wrong)), await rejection(logIn(pg, wrong))];

    expect(errors.map(String)).toEqual([String(stock), String(stock)]);
    expect(errors).toEqual([
      expect.objectContaining({ code: "28P01" }),
      expect.objectContaining({ code: "28P01" }),
    ]);
    expect(derived.count).toBe(2);
    expect(await logIn(pg, url)).toBe(user);
  });

  test("takes the full path after a changed password, and after a changed salt", async () => {
    const { pg } = guarded(module);
    const { user, url } = await newRole("old");
    const renewed = plainUrl(url, { password: "new" });
    await logIn(pg, url);

    await setPassword(user, "new", "alter");
    const old = await derivationsOf(() => rejection(logIn(pg, url)));
    const changed = await derivationsOf(() => logIn(pg, renewed));
    await setPassword(user, "new", "alter");
    const resalted = await derivationsOf(() => logIn(pg, renewed));

    expect(old).toEqual([expect.objectContaining({ code: "28P01" }), 1]);
    expect([changed, resalted]).toEqual([
      [user, 1],
      [user, 1],
    ]);
  });

  test("asks a password function at each login, and finds the keys of what it says", async () => {
    const { pg } = guarded(module);
    const { user, url } = await newRole("token-1");
    let asked = 0;
    let token = "token-1";
    const { hostname, port } = new URL(url);
    const config = {
      host: hostname,
      port: Number(port),
      user,
      database: "app",
      password: () => {
        asked += 1;
        return token;
      },
    };
    const twice = async (): Promise<unknown[]> => [
      await logIn(pg, config),
      await logIn(pg, config),
    ];

    const first = await derivationsOf(twice);
    token = "token-2";
    await setPassword(user, token, "alter");
    const second = await derivationsOf(twice);

    expect([first, second]).toEqual([
      [[user, user], 1],
      [[user, user], 1],
    ]);
    expect(asked).toBe(4);
  });

  test("takes a password that SASLprep changes, as PostgreSQL does", async () => {
    const { pg } = guarded(module);
    const { user, url } = await newRole("I\u00ADX \u2168 \u00AA\u00A0e");

    const me = await logIn(pg, url);

    expect(me).toBe(user);
  });

  test("refuses a missing and an empty password in the newest pg's words", async () => {
    const { pg } = guarded(module);
    const { user, url } = await newRole("there");
    const { hostname: host, port } = new URL(url);
    const config = { host, port: Number(port), user, database: "app" };

    const errors = [
      await rejection(logIn(pg, { ...config, password: () => "" })),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a caller without types does it.
      await rejection(logIn(pg, { ...config, password: (() => undefined) as never })),
    ];

    const text = "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a";
    expect(errors.map(String)).toEqual([
      `Error: ${text} non-empty string`,
      `Error: ${text} string`,
    ]);
  });
});

describe("channel binding", () => {
  test.each(["pg816", "pg"])(
    "%s logs in with SCRAM-SHA-256-PLUS and the keys of before",
    async (name) => {
      const { pg } = guarded(requirePg(name));
      const config = { connectionString: bed.urls.direct, enableChannelBinding: true };
      await logIn(pg, config);
      using derived = countDerivations();

      const mechanisms: string[] = [];
      const client = new pg.Client(config);
      client.connection.on("authenticationSASLContinue", () => {
        mechanisms.push(String(Reflect.get(Reflect.get(client, "saslSession") ?? {}, "mechanism")));
      });
      await client.connect();
      await client.end();

      expect(mechanisms).toEqual(["SCRAM-SHA-256-PLUS"]);
      expect(derived.count).toBe(0);
    },
  );

  test("says that it could have bound, where the server cannot", async () => {
    const { pg } = guarded();

    // PgBouncer has no SCRAM-SHA-256-PLUS; with another header than `y,,` it would refuse the login.
    const me = await logIn(pg, { connectionString: bed.urls.pooled, enableChannelBinding: true });

    expect(me).toBe("app");
  });
});

test("nothing that prints shows a password or a key", async () => {
  const { pg } = guarded();
  const password = "s3cret-of-this-test";
  const { user, url } = await newRole(password);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const client = await pool.connect();
  const connected = new pg.Client(url);
  await connected.connect();

  const [row] = await bed.sql(`select rolpassword from pg_authid where rolname = '${user}'`);
  const [, iterations, salt] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(row?.["rolpassword"] ?? "") ?? [];
  const salted = pbkdf2Sync(
    password,
    Buffer.from(salt ?? "", "base64"),
    Number(iterations),
    32,
    "sha256",
  );
  const keys = ["Client Key", "Server Key"].map((text) =>
    createHmac("sha256", salted).update(text).digest(),
  );
  const stored = createHash("sha256")
    .update(keys[0] ?? "")
    .digest();
  const all = [sharedState(), connected, client, pool, pg];
  const shown = all
    .map((each) =>
      inspect(each, { showHidden: true, depth: 12, maxArrayLength: null, getters: true }),
    )
    .join("\n");
  const json = JSON.stringify(sharedState().login);
  client.release();
  await connected.end();
  await pool.end();

  for (const secret of [salted, stored, ...keys]) {
    const bytes = [...secret.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
    for (const form of [secret.toString("base64"), secret.toString("hex"), bytes.join(" ")]) {
      expect(shown).not.toContain(form);
      expect(json).not.toContain(form);
    }
  }
  expect(json).not.toContain(password);
  expect(inspect(sharedState().login, { showHidden: true, depth: null })).not.toContain(password);
});
