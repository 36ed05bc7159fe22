import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import pg from "pg";
import { expect, test } from "vitest";

import { BIN, ROOT } from "./doorpolicy.ts";

test(
  "the testbed prints its URLs, and SIGTERM ends it with nothing left",
  { timeout: 150_000 },
  async () => {
    const child = spawn(
      process.execPath,
      [BIN, "testbed", "--json", "--allow-download", "--pool-size", "3"],
      { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] },
    );
    const exited = once(child, "exit");
    try {
      const { urls, versions, poolMode } = await readyOf(child.stdout);
      const answers = await Promise.all([urls.pooled, urls.session, urls.direct].map(answerOf));
      child.kill("SIGTERM");
      const [code] = await exited;

      expect(answers).toEqual(["1", "1", "1"]);
      expect(versions).toEqual({
        postgres: expect.stringMatching(/^17\./),
        pgbouncer: expect.any(String),
      });
      expect(poolMode).toBe("transaction");
      expect(code).toBe(0);
      await expect(answerOf(urls.direct)).rejects.toThrow(/ECONNREFUSED/);
      await expect(answerOf(urls.pooled)).rejects.toThrow(/ECONNREFUSED/);
    } finally {
      child.kill("SIGKILL");
    }
  },
);

interface Ready {
  readonly urls: Readonly<Record<"pooled" | "session" | "direct" | "admin", string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly poolMode: string;
}

async function readyOf(stdout: Readable): Promise<Ready> {
  for await (const line of createInterface(stdout)) return JSON.parse(line);

  throw new Error("The testbed ended and printed nothing.");
}

async function answerOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ one: string }>("select '1' as one");
    return rows[0]?.one ?? "";
  } finally {
    await client.end();
  }
}
