import { dirname, relative, resolve, sep } from "node:path";

import { type ResolvedPolicy } from "@doorpolicy/core";

import type { Containment } from "./contain.ts";
import { environmentNear } from "./environment.ts";
import { loadModule } from "./load-module.ts";
import { nearestPolicyFile, policyIn, resolveForCheck } from "./policy-file.ts";

/** A policy, and where it came from. */
interface FoundPolicy {
  /** Its notices are taken out, since each adapter would say them as a warning of the process. */
  readonly policy: ResolvedPolicy;
  readonly notices: readonly string[];
  /** Its file as reports call it, or `"recommended"`. */
  readonly from: string;
}

/** The policies of one run, each loaded once. */
export interface Policies {
  /** The policy that a file is judged by. Throws what the policy file throws. */
  for(path: string): Promise<FoundPolicy>;
  /** What was said of the policies that could be used. */
  notices(): Promise<readonly string[]>;
}

/** Where policies are looked for. */
export interface PolicySearch {
  readonly policyFile: string | undefined;
  readonly cwd: string;
  readonly containment: Containment;
}

/** A policy file that does not hold; nothing can be judged by it. */
class BadPolicy extends Error {
  readonly hint: string;

  constructor(shown: string, hint: string, cause: unknown) {
    super(`the policy in ${shown} cannot be used`, { cause });
    this.hint = hint;
  }
}

/** The given policy file, else the nearest one to each file, else `recommended`. */
export function openPolicies(search: PolicySearch): Policies {
  const loaded = new Map<string, Promise<FoundPolicy>>();

  return {
    for(path) {
      const file =
        search.policyFile === undefined
          ? nearestPolicyFile(dirname(path))
          : resolve(search.cwd, search.policyFile);
      const key = file ?? "";
      const loading = loaded.get(key) ?? load(file, search);
      loaded.set(key, loading);
      return loading;
    },
    async notices() {
      const settled = await Promise.allSettled(loaded.values());
      const used = settled.filter((one) => one.status === "fulfilled");
      return [...new Set(used.flatMap(({ value }) => value.notices))];
    },
  };
}

function found(policy: ResolvedPolicy, from: string): FoundPolicy {
  return { policy: { ...policy, notices: [] }, notices: policy.notices, from };
}

async function load(file: string | undefined, search: PolicySearch): Promise<FoundPolicy> {
  if (file === undefined) {
    return found(resolveForCheck({ extends: "recommended" }, process.env), "recommended");
  }
  const shown = relative(search.cwd, file).split(sep).join("/");
  const environment = environmentNear(dirname(file));
  try {
    const policy = policyIn(await loadModule(file, environment, search.containment));
    if (policy === undefined) throw new Error("it exports no policy");
    return found(resolveForCheck(policy, { ...environment, ...process.env }), shown);
  } catch (error) {
    throw new BadPolicy(
      shown,
      "Correct the policy; it is the default export of its file, or the export `policy`.",
      error,
    );
  }
}
