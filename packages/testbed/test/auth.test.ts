import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestbed, type AuthMethod, type Testbed } from "@doorpolicy/testbed";

/** Salts that a server names in its SCRAM challenges, one a login. */
async function saltsOf(url: string, logins: number): Promise<Set<string>> {
  const salts = new Set<string>();
  for (let login = 0; login < logins; login += 1) {
    const client = new pg.Client({ connectionString: url });
    // node-postgres shows protocol messages on its connection; the types do not.
    Reflect.get(client, "connection").on(
      "authenticationSASLContinue",
      (message: { data: string }) => {
        salts.add(/s=([^,]+)/.exec(message.data)?.[1] ?? "");
      },
    );
    await client.connect();
    await client.end();
  }
  return salts;
}

async function userThrough(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("select current_user");
  await client.end();
  return rows[0].current_user;
}

function withPassword(url: string, password: string): string {
  const changed = new URL(url);
  changed.password = password;
  return changed.href;
}

describe.each<AuthMethod>(["scram", "md5"])("auth: %s", { timeout: 60_000 }, (auth) => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await startTestbed({ allowDownload: true, auth, password: `p"a's%` });
  });
  afterAll(() => bed?.stop());

  it("lets the right password in, through the pooler and past it", async () => {
    const { pooled, session, direct } = bed.urls;

    const users = await Promise.all([pooled, session, direct].map(userThrough));

    expect(users).toEqual(["app", "app", "app"]);
    await expect(bed.admin("SHOW VERSION")).resolves.toHaveLength(1);
  });

  it.each(["pooled", "session", "direct", "admin"] as const)(
    "keeps a wrong one out of %s",
    async (lane) => {
      const url = withPassword(bed.urls[lane], "wrong");

      await expect(userThrough(url)).rejects.toThrow(/authentication failed/);
    },
  );

  it("puts no password into the servers' logs", () => {
    expect(bed.logs.since()).not.toContain(`p"a's%`);
  });

  // MD5 has a new salt at each login by design.
  if (auth !== "scram") return;
  it("names one and the same salt at each login", async () => {
    const [pooled, direct] = await Promise.all([
      saltsOf(bed.urls.pooled, 3),
      saltsOf(bed.urls.direct, 3),
    ]);

    expect(pooled.size).toBe(1);
    expect(direct).toEqual(pooled);
  });
});

describe("tls", { timeout: 60_000 }, () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await startTestbed({ allowDownload: true, tls: true, auth: "scram" });
  });
  afterAll(() => bed?.stop());

  it("is verified by the URLs alone, from client to pooler and from pooler to PostgreSQL", async () => {
    const client = new pg.Client({ connectionString: bed.urls.pooled });
    await client.connect();
    const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    const clients = await bed.admin("SHOW CLIENTS");
    const config = await bed.admin("SHOW CONFIG");
    await client.end();

    expect(rows).toEqual([{ ssl: true }]);
    expect(clients.find((row) => row["database"] === "app")?.["tls"]).toMatch(/^TLSv1/);
    // TLS would be used without this, too, and nobody's certificate refused.
    expect(config.find((row) => row["key"] === "server_tls_sslmode")?.["value"]).toBe(
      "verify-full",
    );
  });

  it("comes with a certificate that a client without the CA refuses", async () => {
    const url = new URL(bed.urls.direct);
    url.search = "";
    const client = new pg.Client({ connectionString: url.href, ssl: { rejectUnauthorized: true } });

    await expect(client.connect()).rejects.toThrow(/certificate/);
  });

  it("names a CA that can be read", async () => {
    const ca = await readFile(bed.caFile ?? "", "utf8");

    expect(ca).toContain("BEGIN CERTIFICATE");
  });
});
