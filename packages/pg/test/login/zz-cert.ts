import { startTestbed } from "@doorpolicy/testbed";
import { makeClientCertificates } from "./certificates.ts";
import { definePolicy } from "@doorpolicy/core";
import { readFileSync } from "node:fs";
import pg from "pg";
import { guardPg } from "../../src/index.ts";
for (const version of ["1.18", "1.24", "1.26"]) {
await using certs = await makeClientCertificates("app");
const users = await certs.write("users.txt", "\"pgbouncer\" \"app\"\n\"app\" \"app\"\n");
const hba = await certs.write("hba.conf", "hostssl all app 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 scram-sha-256\n");
try {
await using bed = await startTestbed({ auth: "scram", tls: true, pooler: { version, settings: { auth_file: users, auth_type: "hba", auth_hba_file: hba, client_tls_ca_file: certs.caFile } } });
const guarded = guardPg(pg, definePolicy({ mode: "enforce", onViolation: (v) => console.log(v.rule) }));
const u = new URL(bed.urls.pooled); u.search = "";u.password="";
for (let i = 0; i < 5; i++) {
  const client = new guarded.Client({ connectionString: u.href, ssl: { ca: readFileSync(bed.caFile!, "utf8"), cert: certs.cert, key: certs.key } });
  try { await client.connect();
  console.log(version, (await client.query("select current_user")).rows, (client as any).connection.stream.isSessionReused());
  await client.end(); } catch (e) { console.log(version, "failed", (e as Error).message); }
}
} catch (e) { console.log(version, e); }
}
