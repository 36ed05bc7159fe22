import { inspect } from "node:util";

import type { Testbed } from "@doorpolicy/testbed";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { sharedState } from "../../src/registry.ts";
import { eventually, rejection, requirePg } from "../world.ts";
import { type ClientCertificates, makeClientCertificates } from "./certificates.ts";
import {
  countDerivations,
  guarded,
  logIn,
  plainUrl,
  startLoginBed,
  VERSIONS,
} from "./login-world.ts";

describe("md5", () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await startLoginBed({ auth: "md5" });
  });
  afterAll(async () => {
    await bed.stop();
  });

  test.each(VERSIONS)(
    "%s logs in as without a policy, and is refused as without one",
    async (name) => {
      const module = requirePg(name);
      const { pg, seen } = guarded(module);
      const wrong = plainUrl(bed.urls.pooled, { password: "wrong" });

      const me = await logIn(pg, bed.urls.pooled);
      const errors = [await rejection(logIn(module, wrong)), await rejection(logIn(pg, wrong))];

      expect(me).toBe("app");
      expect(String(errors[1])).toBe(String(errors[0]));
      expect(await logIn(pg, bed.urls.pooled)).toBe("app");
      expect(seen).toEqual([]);
    },
  );
});

describe("a password file", () => {
  let bed: Testbed;
  let files: ClientCertificates;
  beforeAll(async () => {
    bed = await startLoginBed();
    files = await makeClientCertificates("app");
  });
  afterAll(async () => {
    await files[Symbol.asyncDispose]();
    await bed.stop();
  });
  afterEach(() => {
    delete process.env["PGPASSFILE"];
  });

  test.each(VERSIONS)("%s reads it at each login, and derives what it says once", async (name) => {
    const { pg } = guarded(requirePg(name));
    const { hostname: host, port } = new URL(bed.urls.pooled);
    process.env["PGPASSFILE"] = await files.write("pgpass", `${host}:${port}:*:app:app\n`);
    const { chmod } = await import("node:fs/promises");
    await chmod(process.env["PGPASSFILE"], 0o600);
    await logIn(pg, plainUrl(bed.urls.pooled));
    using derived = countDerivations();

    const config = { host, port: Number(port), user: "app", database: "app" };
    const me = [await logIn(pg, config), await logIn(pg, config)];

    expect(me).toEqual(["app", "app"]);
    expect(derived.count).toBe(0);
  });
});

describe("plain-text passwords in auth_file", () => {
  let bed: Testbed;
  let files: ClientCertificates;
  beforeAll(async () => {
    files = await makeClientCertificates("app");
    const users = await files.write("users.txt", '"pgbouncer" "app"\n"app" "app"\n');
    bed = await startLoginBed({ pooler: { settings: { auth_file: users } } });
  });
  afterAll(async () => {
    await bed.stop();
    await files[Symbol.asyncDispose]();
  });

  test("are said once per target, at the third login, whichever module logs in", async () => {
    const one = guarded(requirePg("pg"));
    const other = guarded(requirePg("pg816"));
    const counts: number[] = [];

    for (let login = 0; login < 4; login++) {
      await logIn(one.pg, bed.urls.pooled);
      counts.push(one.seen.length);
    }
    await logIn(other.pg, bed.urls.pooled);

    expect(counts).toEqual([0, 0, 1, 1]);
    expect(other.seen).toEqual([]);
    expect(one.seen[0]).toMatchObject({ rule: "connections/changing-salt", action: "reported" });
    expect(one.seen[0]?.message).not.toContain("app");
  });

  test("are not said where the rule is off", async () => {
    const { pg, seen } = guarded(requirePg("pg"), {
      rules: { "connections/changing-salt": { runtime: "off" } },
      targets: { quiet: { pooler: { kind: "pgbouncer", mode: "transaction" } } },
    });

    for (let login = 0; login < 4; login++) await logIn(pg, bed.urls.pooled);

    expect(seen).toEqual([]);
  });
});

describe("a client certificate", () => {
  let bed: Testbed;
  let files: ClientCertificates;
  beforeAll(async () => {
    files = await makeClientCertificates("app");
    const users = await files.write("users.txt", '"pgbouncer" "app"\n"app" "app"\n');
    const hba = await files.write(
      "hba.conf",
      "hostssl all app 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    bed = await startLoginBed({
      tls: true,
      pooler: {
        settings: {
          auth_file: users,
          auth_type: "hba",
          auth_hba_file: hba,
          client_tls_ca_file: files.caFile,
        },
      },
    });
  });
  afterAll(async () => {
    await bed.stop();
    await files[Symbol.asyncDispose]();
  });

  test.each(VERSIONS)("%s logs in with it, on a resumed TLS session as well", async (name) => {
    const { pg } = guarded(requirePg(name));
    const url = new URL(bed.urls.pooled);
    url.hostname = "localhost";
    url.password = "";
    url.searchParams.set("sslcert", files.certFile);
    url.searchParams.set("sslkey", files.keyFile);
    const me: unknown[] = [];
    const resumed: unknown[] = [];

    for (let login = 0; login < 3; login++) {
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      me.push((await client.query("select current_user as me")).rows[0]?.["me"]);
      resumed.push(
        Reflect.apply(
          Reflect.get(client.connection.stream, "isSessionReused"),
          client.connection.stream,
          [],
        ),
      );
      await client.end();
    }

    expect(me).toEqual(["app", "app", "app"]);
    expect(resumed).toEqual([false, true, true]);
  });

  test("prints no private key", async () => {
    const { pg } = guarded();
    const url = new URL(bed.urls.pooled);
    url.password = "";
    url.searchParams.set("sslcert", files.certFile);
    url.searchParams.set("sslkey", files.keyFile);
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();

    const shown = [client, sharedState()].map((each) => inspect(each, { depth: 12 })).join("\n");
    await client.end();

    const [, body = ""] = files.key.split("\n");
    expect(body.length).toBeGreaterThan(20);
    expect(shown).not.toContain(body);
  });

  test("nobody without it resumes the session of who has it", async () => {
    const { pg } = guarded();
    const url = new URL(bed.urls.pooled);
    url.password = "";
    const withCertificate = new URL(url);
    withCertificate.searchParams.set("sslcert", files.certFile);
    withCertificate.searchParams.set("sslkey", files.keyFile);

    for (let login = 0; login < 2; login++) await logIn(pg, withCertificate.href);
    const error = await rejection(logIn(pg, url.href));

    expect(error).toBeInstanceOf(Error);
    await eventually(() => {
      expect(bed.logs.since(undefined, "pooler")).toContain("certificate");
    });
  });
});
