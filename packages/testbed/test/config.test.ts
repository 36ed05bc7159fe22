import { describe, expect, it } from "vitest";
import { pgbouncerIni, userList, type PgbouncerIni } from "../src/config/pgbouncer-ini.ts";
import { postgresConf } from "../src/config/postgres-conf.ts";
import { fits, isAtLeast, versionIn } from "../src/config/version.ts";
import { withoutUrls } from "../src/errors.ts";
import { packageManagers } from "../src/provision/package-manager.ts";
import { md5Verifier, scramVerifier } from "../src/wire/scram.ts";

const ini: PgbouncerIni = {
  version: "1.24.1",
  listenAddress: "127.0.0.1",
  listenPort: 6432,
  aliases: [
    { alias: "app", host: "127.0.0.1", port: 5432, database: "app" },
    { alias: "app_session", host: "127.0.0.1", port: 5432, database: "app", poolMode: "session" },
  ],
  authType: "trust",
  authFile: "/users.txt",
  adminUser: "pgbouncer",
  poolMode: "transaction",
  poolSize: 3,
};

describe("pgbouncer.ini", () => {
  it("names both aliases, and session mode only for one", () => {
    const lines = pgbouncerIni(ini).split("\n");

    expect(lines.slice(0, 3)).toEqual([
      "[databases]",
      "app = host=127.0.0.1 port=5432 dbname=app",
      "app_session = host=127.0.0.1 port=5432 dbname=app pool_mode=session",
    ]);
    expect(lines).toContain("pool_mode = transaction");
  });

  it.each([
    ["1.18.0", false],
    ["1.20.1", false],
    ["1.21.0", true],
    ["1.24.1", true],
    ["1.26.1", true],
  ])("%s: max_prepared_statements is written: %s", (version, written) => {
    expect(pgbouncerIni({ ...ini, version }).includes("max_prepared_statements")).toBe(written);
  });

  it("has each key once, and settings win", () => {
    const text = pgbouncerIni({ ...ini, settings: { pool_mode: "statement", max_client_conn: 7 } });

    expect(text.match(/^pool_mode/gm)).toHaveLength(1);
    expect(text).toContain("pool_mode = statement");
    expect(text).toContain("max_client_conn = 7");
  });

  it("doubles quotes in the user list", () => {
    expect(userList({ app: 'a"b' })).toBe('"app" "a""b"\n');
  });
});

describe("postgresql.conf", () => {
  it("quotes values, and settings win", () => {
    const text = postgresConf({
      port: 1,
      host: "h",
      settings: { fsync: "on", search_path: "a'b" },
    });

    expect(text).toContain("fsync = 'on'");
    expect(text).not.toContain("fsync = 'off'");
    expect(text).toContain("search_path = 'a''b'");
  });
});

describe("versions", () => {
  it.each([
    ["1.24.1", "1.24", true],
    ["1.24.1", "1.24.1", true],
    ["1.24", "1.24", true],
    ["1.24.10", "1.24.1", false],
    ["1.2.4", "1.24", false],
    ["1.25.0", "1.24", false],
  ])("%s fits %s: %s", (version, asked, expected) => {
    expect(fits(version, asked)).toBe(expected);
  });

  it.each([
    ["1.24.1", "1.21", true],
    ["1.9.0", "1.21", false],
    ["1.21.0", "1.21", true],
    ["2.0", "1.21", true],
    ["1.20.9", "1.21", false],
  ])("%s is at least %s: %s", (version, floor, expected) => {
    expect(isAtLeast(version, floor)).toBe(expected);
  });

  it.each([
    ["PgBouncer 1.24.1\nlibevent 2.1.12", "1.24.1"],
    ["postgres (PostgreSQL) 17.10", "17.10"],
    ["postgres (PostgreSQL) 18beta1", undefined],
    ["odyssey 1.5.2 release +pam", "1.5.2"],
  ])("%j says %s", (text, expected) => {
    expect(versionIn(text)).toBe(expected);
  });
});

describe("what package managers offer", () => {
  it.each([
    [
      "apt-get",
      "Inst libc-ares2 (1.18.1 Debian)\nInst pgbouncer (1.18.0-1+deb12u1 Debian:12 [amd64])",
      "1.18.0",
    ],
    ["apt-get", "pgbouncer is already the newest version", undefined],
    ["apk", "pgbouncer policy:\n  1.24.1-r0:\n    http://mirror.test/v3.22/main", "1.24.1"],
    ["dnf", "1.24.1\n", "1.24.1"],
    ["brew", "==> pgbouncer: stable 1.25.0 (bottled)", "1.25.0"],
  ])("%s: %j is %s", (name, output, expected) => {
    const manager = packageManagers.find(({ program }) => program === name);

    expect(manager?.candidate(output)).toBe(expected);
  });
});

describe("what other programs print", () => {
  it.each([
    ["GET http://u:p@mirror.test:8080/x failed", "GET <address> failed"],
    ["at postgres://app:secret@127.0.0.1/app?a=1, line 2", "at <address> line 2"],
    ["no address: here", "no address: here"],
  ])("%s", (text, expected) => {
    expect(withoutUrls(text)).toBe(expected);
  });
});

describe("verifiers", () => {
  it("scram: the one PostgreSQL makes of the same password and salt", () => {
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");

    // RFC 7677, section 3, with its keys written as PostgreSQL writes them.
    expect(scramVerifier("pencil", salt)).toBe(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });

  it("md5: of password and role together", () => {
    expect(md5Verifier("app", "secret")).toBe("md56a422f785c9e20873908ce25d1736ae2");
  });
});
