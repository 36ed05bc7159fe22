import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";

import {
  isPolicy,
  type Environment,
  type Policy,
  type ResolvedPolicy,
  resolvePolicy,
} from "@doorpolicy/core";

import { isRecord } from "../is-record.ts";
import type { ModuleExports } from "./load-module.ts";

const NAMES = ["ts", "mts", "cts", "js", "mjs", "cjs"].map((end) => `doorpolicy.config.${end}`);

/** The nearest `doorpolicy.config.*` from a folder upward. */
export function nearestPolicyFile(folder: string): string | undefined {
  for (const name of NAMES) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
  }
  const parent = dirname(folder);

  return parent === folder ? undefined : nearestPolicyFile(parent);
}

/**
 * The policy that a policy file exports: its default export, else the export `policy`, else the only
 * policy among its exports. The first two may be plain objects; resolving them checks them.
 */
export function policyIn(exported: ModuleExports): Policy | ResolvedPolicy | undefined {
  const marked = markedPolicyIn(exported);
  if (marked !== undefined) return marked;
  const exports = withInnerExports(exported);

  return [exports["default"], exports["policy"]].find((value) => isRecord(value));
}

/** The policy made by `definePolicy` that a module exports, if there is one, or one of that name. */
export function markedPolicyIn(exported: ModuleExports): Policy | ResolvedPolicy | undefined {
  const exports = withInnerExports(exported);
  const named = [exports["default"], exports["policy"]].find((value) => isAnyPolicy(value));
  if (named !== undefined) return named;
  const marked = new Set(Object.values(exports).filter((value) => isAnyPolicy(value)));

  return marked.size === 1 ? [...marked][0] : undefined;
}

/**
 * A file that was transpiled to CommonJS, as in a package without `"type": "module"`, arrives as one
 * default export that holds all of them. No policy has a key `policy` or `default`.
 */
function withInnerExports(exported: ModuleExports): ModuleExports {
  const { default: inner } = exported;
  if (isAnyPolicy(inner) || !isRecord(inner)) return exported;
  const isModule = "__esModule" in inner || "policy" in inner || "default" in inner;
  if (!isModule && !Object.values(inner).some((value) => isAnyPolicy(value))) return exported;
  const { default: _, ...others } = exported;

  return { ...others, ...inner };
}

/** A policy as it is for this check; what it reads from the environment is the given one. */
export function resolveForCheck(
  policy: Policy | ResolvedPolicy,
  environment: Environment,
): ResolvedPolicy {
  if (isResolvedPolicy(policy)) return policy;

  // Who runs the check is not who will run the service; the name is only held against the template.
  return resolvePolicy(policy, {
    environment,
    identity: {
      hostName: hostname(),
      processId: process.pid,
      packageName: "checked",
      userName: "check",
    },
  });
}

function isAnyPolicy(value: unknown): value is Policy | ResolvedPolicy {
  return isPolicy(value) || isResolvedPolicy(value);
}

function isResolvedPolicy(value: unknown): value is ResolvedPolicy {
  return isRecord(value) && value["kind"] === "resolved-policy";
}
