import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ScenarioRecord } from "../record.ts";
import type { ServerSpec } from "../server.ts";

/** The runs that one server takes: plain clients, and the same clients with the policy. */
export interface ServerRecords {
  readonly server: ServerSpec;
  readonly without: readonly ScenarioRecord[];
  readonly with: readonly ScenarioRecord[];
}

/** Servers that run at a time. Scenarios wait more than they compute. */
const AT_ONCE = 3;

/**
 * Runs every scenario on every server, each run in a process of its own: what a plain client does to
 * its process stays there. `onRun` hears of each run that has ended.
 */
export async function collect(
  servers: readonly ServerSpec[],
  { allowDownload, onRun }: { allowDownload: boolean; onRun: (title: string) => void },
): Promise<readonly ServerRecords[]> {
  const waiting = servers.flatMap((server) => [
    { server, guarded: true },
    { server, guarded: false },
  ]);
  const ended = new Map<string, readonly ScenarioRecord[]>();

  async function work(): Promise<void> {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      ended.set(
        keyOf(run.server, run.guarded),
        await records(run.server, run.guarded, allowDownload),
      );
      onRun(`${run.server.id}, ${run.guarded ? "with the policy" : "plain clients"}`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));

  return servers.map((server) => ({
    server,
    without: ended.get(keyOf(server, false)) ?? [],
    with: ended.get(keyOf(server, true)) ?? [],
  }));
}

function keyOf(server: ServerSpec, guarded: boolean): string {
  return `${server.id} ${guarded}`;
}

async function records(
  server: ServerSpec,
  guarded: boolean,
  allowDownload: boolean,
): Promise<readonly ScenarioRecord[]> {
  const script = fileURLToPath(new URL("../run.ts", import.meta.url));
  const flags = ["--server", server.id, "--json"];
  if (!guarded) flags.push("--unguarded");
  if (allowDownload) flags.push("--allow-download");
  const child = spawn(process.execPath, [...process.execArgv, script, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const found: ScenarioRecord[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const record: ScenarioRecord = JSON.parse(line);
    found.push(record);
  }
  const code = await exit;
  // 1 says that a scenario failed, which is a result; anything else is a run that broke.
  if (code !== 0 && code !== 1) throw new Error(`The run on ${server.id} ended with ${code}.`);
  return found;
}
