import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const BIN = fileURLToPath(new URL("../src/bin.ts", import.meta.url));

/** The root of the repository; reports name files relative to it. */
export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));

/** What a run of the program left: how it ended and what it printed. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Arguments for Node that run the program from its sources. */
export const FROM_SOURCE: readonly string[] = [
  "-C",
  "@doorpolicy/source",
  "--import",
  pathToFileURL(require.resolve("tsx")).href,
  BIN,
];

/** Runs the program as a shell would, from its sources. */
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
  const child = spawn(process.execPath, [...FROM_SOURCE, ...args], {
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
