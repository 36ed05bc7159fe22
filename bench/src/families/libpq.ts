import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ourPool, poolVariant, STATEMENT, warmPool } from "../clients/pools.ts";
import { type Experiment, quotient, type Variant, type World } from "../method/experiment.ts";

const run = promisify(execFile);
/** Comes with PostgreSQL, and is not on every machine. */
const PROGRAM = "pgbench";
const COUNT = 100;

/** The client of PostgreSQL's own library, one connection at a time; `reconnects` as `pgbench -C` does. */
const pgbench =
  (flags: readonly string[]) =>
  async ({ servers }: World): Promise<Variant> => {
    const { urls } = await servers.testbed("scram");
    const { hostname, port, username, password, pathname } = new URL(urls.pooled);
    const folder = await mkdtemp(join(tmpdir(), "bench-"));
    const script = join(folder, "statement.sql");
    await writeFile(script, `${STATEMENT};\n`);
    const env = {
      ...process.env,
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: decodeURIComponent(username),
      PGPASSWORD: decodeURIComponent(password),
      PGSSLMODE: "disable",
    };
    const args = ["-n", "-c", "1", "-t", String(COUNT), "-f", script, ...flags, pathname.slice(1)];
    return {
      async run() {
        const { stdout } = await run(PROGRAM, args, { env });
        const [, rate] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
        if (rate === undefined) throw new Error("pgbench printed no rate.");
        return { rate: Number(rate) };
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  };

const LOAD = { callers: 1, count: COUNT };

/** Against the library that most other languages use. */
export const libpq: readonly Experiment[] = [
  {
    rounds: { full: 15, quick: 3 },
    warmups: 2,
    skips: () =>
      spawnSync(PROGRAM, ["--version"]).status === 0 ? undefined : "there is no pgbench",
    figures: [
      quotient(
        {
          name: "nullpool.libpq",
          what: "reconnects per second, ours / pgbench -C, SCRAM",
          goal: { atLeast: 5 },
        },
        { ours: "ours", base: "reconnecting", metric: "rate" },
      ),
      quotient(
        { name: "warm.libpq", what: "statements per second, warm pg-pool / pgbench, one caller" },
        { ours: "warm", base: "open", metric: "rate" },
      ),
    ],
    variants: {
      ours: async ({ servers }) =>
        poolVariant(ourPool((await servers.testbed("scram")).urls.pooled, { lingerMs: 0 }), LOAD),
      reconnecting: pgbench(["-C"]),
      warm: async ({ servers }) =>
        poolVariant(warmPool((await servers.testbed("scram")).urls.pooled), LOAD),
      open: pgbench([]),
    },
  },
];
