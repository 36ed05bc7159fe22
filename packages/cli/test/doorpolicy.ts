import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The program as it is published. */
export const BIN: string = fileURLToPath(new URL("../bin/doorpolicy.js", import.meta.url));

/** The root of the repository; reports name files relative to it. */
export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));

/** What a run of the program left: how it ended and what it printed. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a shell would. */
export async function doorpolicy(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const {
    DATABASE_URL: _url,
    DIRECT_URL: _direct,
    FORCE_COLOR: _color,
    ...inherited
  } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...inherited, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });

  return { code, stdout, stderr };
}
