import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const TURBO = fileURLToPath(new URL("node_modules/.bin/turbo", import.meta.url));

/** Builds the packages that have changed since they were built; the rest is taken from turbo's cache. */
export async function setup(): Promise<void> {
  const args = ["run", "build", "--filter=./packages/*", "--output-logs=errors-only"];
  await promisify(execFile)(TURBO, args, { cwd: ROOT }).catch((error: unknown) => {
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    throw new Error(`The packages could not be built.\n${said}`, { cause: error });
  });
}
