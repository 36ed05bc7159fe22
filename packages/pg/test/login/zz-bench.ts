import { definePolicy } from "@doorpolicy/core";
import { startTestbed, startFaultProxy } from "@doorpolicy/testbed";
import pg from "pg";
import { guardPg } from "/work/main/packages/pg/src/index.ts";
import { openClient } from "/work/main/packages/pg/src/login/open-client.ts";

const tls = process.argv.includes("--tls");
const rounds = Number(process.argv.find((a) => a.startsWith("--n="))?.slice(4) ?? 30);
await using bed = await startTestbed({ auth: "scram", tls });
const policy = definePolicy({ mode: "enforce", onViolation: (v) => console.log("violation", v.rule), connections: { pipelineHandshake: true }, targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } } } as never);
const guarded = guardPg(pg, policy);
const url = bed.urls.pooled;
async function once(Client: typeof pg.Client) {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("select 1");
  await client.end();
}
async function piped() {
  let answer: (v: unknown) => void, fail: (e: unknown) => void;
  const result = new Promise((a, b) => { answer = a; fail = b; });
  const client = await openClient(() => new guarded.Client({ connectionString: url }) as never, { first: { config: "select 1", callback: (e, r) => (e ? fail(e) : answer(r)) } });
  await result;
  await client.end();
}
const variants: Record<string, () => Promise<void>> = { stock: () => once(pg.Client), ours: () => once(guarded.Client as never), piped };
const times: Record<string, number[]> = {};
for (const [name, run] of Object.entries(variants)) { await run(); await run(); times[name] = []; }
for (let round = 0; round < rounds; round++) {
  for (const name of Object.keys(variants).sort(() => Math.random() - 0.5)) {
    const start = performance.now();
    for (let i = 0; i < 10; i++) await variants[name]!();
    times[name]!.push((performance.now() - start) / 10);
  }
}
const med = (v: number[]) => v.toSorted((a, b) => a - b)[Math.floor(v.length / 2)]!;
for (const name of Object.keys(variants)) console.log(name, med(times[name]!).toFixed(3), "ms", "ratio to stock", med(times[name]!.map((t, i) => t / times["stock"]![i]!)).toFixed(3));
