import { startTestbed } from "@doorpolicy/testbed";
import pg from "pg";
import { DataSource } from "typeorm";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";
import { explainError } from "../packages/core/src/explain/explain-error.ts";
import { inspect } from "node:util";
const bed = await startTestbed({
  allowDownload: true,
  poolSize: 1,
  auth: "scram",
  tls: true,
  pooler: { version: "1.24" },
});
const show = (t: string, e: unknown) =>
  process.stdout.write(
    `${t}: ${explainError(e)?.kind} | ${inspect(e, { depth: 4, breakLength: 200 })
      .split("\n")
      .filter((l) => !l.includes(" at "))
      .slice(0, 24)
      .join(" ")
      .replace(/\s+/g, " ")
      .slice(0, 700)}\n\n`,
  );
const tryAll = async (title: string, url: string, options: object, sql: string) => {
  const pool = new pg.Pool({ connectionString: url, max: 1, ...options });
  pool.on("error", () => {});
  await pool.query(sql).then(
    () => show(title + " pg", "ok"),
    (e) => show(title + " pg", e),
  );
  await pool.end();
  const ds = new DataSource({ type: "postgres", url, poolSize: 1, extra: options });
  await (async () => {
    await ds.initialize();
    await ds.query(sql);
  })().then(
    () => show(title + " to", "ok"),
    (e) => show(title + " to", e),
  );
  if (ds.isInitialized) await ds.destroy();
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: url, max: 1, ...options }),
  });
  await prisma.$queryRawUnsafe(sql).then(
    () => show(title + " pr", "ok"),
    (e) => show(title + " pr", e),
  );
  await prisma.invoice.count().then(
    () => show(title + " prm", "ok"),
    (e) => show(title + " prm", e),
  );
  await prisma
    .$transaction(
      async (t) => {
        await t.$queryRawUnsafe(sql);
      },
      { timeout: 100, maxWait: 100 },
    )
    .then(
      () => show(title + " prt", "ok"),
      (e) => show(title + " prt", e),
    );
  await prisma.$disconnect();
};
const plain = bed.urls.pooled.replace(/\?.*/, "");
await tryAll("self-signed", plain + "?sslmode=verify-full", {}, "select 1");
await tryAll("localhost refused", "postgres://app:app@localhost:1/app", {}, "select 1");
await tryAll("sleep", plain, {}, "select pg_sleep(0.3)");
await bed.stop();
