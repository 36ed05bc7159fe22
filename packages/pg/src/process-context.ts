import { readFileSync, realpathSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";

import {
  type Policy,
  type ProcessContext,
  type ResolvedPolicy,
  resolvePolicy,
} from "@doorpolicy/core";

const resolved = new WeakMap<Policy, ResolvedPolicy>();
const said = new WeakSet<ResolvedPolicy>();

/**
 * The policy as it is for this process: `resolvePolicy` with Node's environment, user, host and
 * package. Resolved once per policy object; a resolved one is returned as it is. What the
 * environment overrides is said once, as a process warning with the code `DOORPOLICY_NOTICE`.
 *
 * Throws the `PolicyError`s of `resolvePolicy`.
 */
export function resolveForProcess(policy: Policy | ResolvedPolicy): ResolvedPolicy {
  const result = isResolved(policy)
    ? policy
    : (resolved.get(policy) ?? resolvePolicy(policy, processContext()));
  if (!isResolved(policy)) resolved.set(policy, result);
  if (!said.has(result)) {
    said.add(result);
    for (const notice of result.notices) {
      process.emitWarning(notice, { type: "DoorpolicyWarning", code: "DOORPOLICY_NOTICE" });
    }
  }
  return result;
}

function isResolved(policy: Policy | ResolvedPolicy): policy is ResolvedPolicy {
  return "kind" in policy && policy.kind === "resolved-policy";
}

function processContext(): ProcessContext {
  const [, scriptPath] = process.argv;
  const packageName = nearestPackageName(scriptPath);
  const userName = currentUser();
  const userId = process.getuid?.();
  return {
    environment: process.env,
    identity: {
      hostName: hostname(),
      processId: process.pid,
      ...(scriptPath === undefined ? {} : { scriptPath }),
      ...(packageName === undefined ? {} : { packageName }),
      ...(userName === undefined ? {} : { userName }),
      ...(userId === undefined ? {} : { userId }),
    },
  };
}

/** `os.userInfo()` throws in a container whose uid has no passwd entry. */
function currentUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/** From the script's real folder upward, since `argv[1]` may be a link in `node_modules/.bin`; else from the working directory. */
function nearestPackageName(scriptPath: string | undefined): string | undefined {
  let folder = process.cwd();
  try {
    if (scriptPath !== undefined) folder = dirname(realpathSync(scriptPath));
  } catch {
    // A script that was deleted or never was a file.
  }
  for (;;) {
    const name = packageNameIn(folder);
    if (name !== undefined) return name;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function packageNameIn(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (typeof manifest !== "object" || manifest === null || !("name" in manifest))
      return undefined;
    return typeof manifest.name === "string" && manifest.name !== "" ? manifest.name : undefined;
  } catch {
    return undefined;
  }
}
