import { spawn } from "node:child_process";
import { TestbedError } from "../errors.ts";

/** What a program that ran to its end left behind. */
export interface CommandResult {
  /** Exit status; 127 when the program does not exist, 124 when it ran out of time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and as whom a program runs. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal | undefined;
  /** @default 120_000 */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end and returns what it said; a non-zero status is a result, not an error.
 * Only an abort throws, after the program has been killed.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  throwIfAborted(options.signal);
  const { signal, timeoutMs = 120_000, ...spawnOptions } = options;
  const result = await new Promise<CommandResult>((resolve) => {
    const child = spawn(file, args, { ...spawnOptions, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    let late = false;
    const kill = (): void => void child.kill("SIGKILL");
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener("abort", kill, { once: true });
    const finish = (code: number, note = ""): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
      resolve({ code, stdout, stderr: stderr + note });
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error: NodeJS.ErrnoException) => {
      finish(error.code === "ENOENT" ? 127 : 126, error.message);
    });
    child.once("close", (code) => {
      if (late) finish(124, `\ngave up after ${timeoutMs} ms`);
      else finish(code ?? 128);
    });
  });
  throwIfAborted(signal);
  return result;
}

/** Turns an aborted signal into the package's own error; the signal's reason stays its cause. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new TestbedError(
    "testbed/aborted",
    "The testbed was told to give up before it stood.",
    "Start it again, or pass a signal that waits longer.",
    signal.reason,
  );
}
