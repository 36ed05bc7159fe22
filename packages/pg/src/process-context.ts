import { readFileSync, realpathSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";

import {
  type Environment,
  type Policy,
  type ProcessContext,
  type ResolvedPolicy,
  resolvePolicy,
} from "@doorpolicy/core";

/** A policy in this process, and what it was resolved against. */
interface Resolution {
  readonly result: ResolvedPolicy;
  readonly context: ProcessContext;
  /** The variables that the policy takes URLs from, as they were. */
  readonly urls: Environment;
}

const resolved = new WeakMap<Policy, Resolution>();
const said = new WeakSet<ResolvedPolicy>();

/**
 * The policy as it is for this process: `resolvePolicy` with Node's environment, user, host and
 * package. Resolved once per policy object; a resolved one is returned as it is. What the
 * environment overrides is said once, as a process warning with the code `DOORPOLICY_NOTICE`.
 *
 * URLs are looked up anew: a variable that is set or changed after the first time (dotenv loaded
 * late, another database for the next test) gives another resolution. Whoever holds the former one
 * keeps it, and all but the URLs, `DOORPOLICY_MODE` and `DOORPOLICY_RULES` too, is as it was at first.
 *
 * Throws the `PolicyError`s of `resolvePolicy`, `policy/invalid` for what is no policy among them.
 */
export function resolveForProcess(policy: Policy | ResolvedPolicy): ResolvedPolicy {
  const result = isResolved(policy) ? policy : resolutionOf(policy);
  if (!said.has(result)) {
    said.add(result);
    for (const notice of result.notices) {
      process.emitWarning(notice, { type: "DoorpolicyWarning", code: "DOORPOLICY_NOTICE" });
    }
  }
  return result;
}

function resolutionOf(policy: Policy): ResolvedPolicy {
  const before = isObject(policy) ? resolved.get(policy) : undefined;
  const urls = before === undefined ? {} : current(Object.keys(before.urls));
  if (before !== undefined && isSame(before.urls, urls)) return before.result;

  const context = before?.context ?? processContext();
  const environment = { ...context.environment, ...urls };
  const result = resolvePolicy(policy, { ...context, environment });
  // Its notices are those of the first resolution, which were said.
  if (before !== undefined) said.add(result);
  resolved.set(policy, { result, context, urls: current(variablesOf(policy)) });
  return result;
}

/** The variables that a policy takes URLs from, its own and those of what it extends. */
function variablesOf({ targets = {}, extends: bases = [] }: Policy): readonly string[] {
  const sources = Object.values(targets).flatMap(({ pooled, direct, replicas = [] }) => [
    pooled,
    direct,
    ...replicas,
  ]);
  return [
    ...sources.flatMap((source) => (typeof source === "object" ? [source.name] : [])),
    ...[bases].flat().flatMap((base) => (typeof base === "object" ? variablesOf(base) : [])),
  ];
}

function current(names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function isSame(before: Environment, now: Environment): boolean {
  return Object.keys(before).every((name) => before[name] === now[name]);
}

function isResolved(policy: Policy | ResolvedPolicy): policy is ResolvedPolicy {
  return isObject(policy) && "kind" in policy && policy.kind === "resolved-policy";
}

/** JavaScript passes what the types forbid; the core then says what it was. */
function isObject(policy: unknown): policy is object {
  return typeof policy === "object" && policy !== null;
}

function processContext(): ProcessContext {
  const [, scriptPath] = process.argv;
  const packageName = nearestPackageName(scriptPath);
  const userName = currentUser();
  const userId = process.getuid?.();
  return {
    // A copy: what is resolved again later sees the rest of the environment as it was.
    environment: { ...process.env },
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
