import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const child = fileURLToPath(new URL("child.ts", import.meta.url));

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("a process that waits for nothing but a pooler that is away is there to hear of it", async () => {
  const args = ["--import", "tsx", child, String(await closedPort())];
  const started = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [started.stdout, started.stderr]) {
    stream.on("data", (text: Buffer) => (output += text.toString()));
  }
  const [code]: unknown[] = await once(started, "close");

  expect({ code, output }).toEqual({ code: 0, output: "ECONNREFUSED" });
}, 60_000);
