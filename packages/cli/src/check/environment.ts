import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { parse } from "dotenv";

/**
 * The variables of the nearest `.env` from a folder upward, no further than the nearest
 * `package.json`: what `node --env-file=.env` or dotenv would give the service. Modules are judged
 * with them, so that a policy which reads its URL from the environment can be judged on a machine
 * that has none. Nothing can be connected to with them, since `check` refuses connections.
 */
export function environmentNear(folder: string): Readonly<Record<string, string>> {
  const file = join(folder, ".env");
  if (existsSync(file)) return parse(readFileSync(file, "utf8"));
  const parent = dirname(folder);
  if (parent === folder || existsSync(join(folder, "package.json"))) return {};

  return environmentNear(parent);
}
