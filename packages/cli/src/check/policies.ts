import { dirname, relative, resolve, sep } from "node:path";

import type { ResolvedPolicy } from "@doorpolicy/core";

import { PRESET } from "./check-report.ts";
import type { Containment } from "./contain.ts";
import { environmentNear } from "./environment.ts";
import { loadModule } from "./load-module.ts";
import type { PolicyBeside } from "./policy-beside.ts";
import { nearestPolicyFile, policyIn, resolveForCheck } from "./policy-file.ts";

/** A policy, and where it came from. */
export interface FoundPolicy {
  /** Its notices are taken out, since each adapter would say them as a warning of the process. */
  readonly policy: ResolvedPolicy;
  readonly notices: readonly string[];
  /** Its file as reports call it, or {@link PRESET}. */
  readonly from: string;
}

/** The policies of one run, each loaded once. */
export interface Policies {
  /**
   * The policy that a file is judged by. `beside` is asked where no policy file was given or found,
   * before `recommended` is taken. Throws what the policy file throws.
   */
  for(path: string, beside?: () => Promise<PolicyBeside | undefined>): Promise<FoundPolicy>;
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
    async for(path, beside) {
      const file =
        search.policyFile === undefined
          ? nearestPolicyFile(dirname(path))
          : resolve(search.cwd, search.policyFile);
      const near = file === undefined ? await beside?.() : undefined;
      const key = file ?? near?.file ?? "";
      const loading = loaded.get(key) ?? load(file, near, search);
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

async function load(
  file: string | undefined,
  beside: PolicyBeside | undefined,
  search: PolicySearch,
): Promise<FoundPolicy> {
  const place = file ?? beside?.file;
  if (place === undefined) {
    return found(resolveForCheck({ extends: PRESET }, process.env), PRESET);
  }
  const shown = relative(search.cwd, place).split(sep).join("/");
  const environment = environmentNear(dirname(place));
  try {
    const policy =
      beside?.policy ?? policyIn(await loadModule(place, environment, search.containment));
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
