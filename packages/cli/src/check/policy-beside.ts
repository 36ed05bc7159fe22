import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import type { Policy, ResolvedPolicy } from "@doorpolicy/core";

import type { Containment } from "./contain.ts";
import { loadModule, type ModuleExports } from "./load-module.ts";
import { withoutComments } from "./locate.ts";
import { markedPolicyIn } from "./policy-file.ts";

/** A policy that stands in the judged module itself, or in one that it imports. */
export interface PolicyBeside {
  readonly policy: Policy | ResolvedPolicy;
  /** Absolute. */
  readonly file: string;
}

/** A module that has been loaded. */
export interface LoadedModule {
  readonly path: string;
  readonly text: string;
  readonly exported: ModuleExports;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The policy that options were most likely wrapped with: the one that their module exports, else the
 * only one among the modules that it imports by a relative path. These have run already, with it.
 */
export async function policyBeside(
  module: LoadedModule,
  containment: Containment,
): Promise<PolicyBeside | undefined> {
  const own = markedPolicyIn(module.exported);
  if (own !== undefined) return { policy: own, file: module.path };

  const found: PolicyBeside[] = [];
  for (const file of importedFiles(module.path, module.text)) {
    // The module could be loaded, so what fails here is not needed: an optional require, a type.
    const exported = await loadModule(file, module.environment, containment).catch(() => ({}));
    const policy = markedPolicyIn(exported);
    if (policy !== undefined) found.push({ policy, file });
  }

  return new Set(found.map(({ policy }) => policy)).size === 1 ? found[0] : undefined;
}

const IMPORTS =
  /\b(?:import|export)\s+(?!type\b)(?:[\w$*{},\s]*?\bfrom\s*)?["'](\.{1,2}\/[^"'\n]+)["']|\brequire\(\s*["'](\.{1,2}\/[^"'\n]+)["']\s*\)/g;

/** The files that a module imports by a relative path, as far as its text says so. */
export function importedFiles(path: string, text: string): readonly string[] {
  const files = [...withoutComments(text).matchAll(IMPORTS)].flatMap(([, imported, required]) => {
    const file = existing(resolve(dirname(path), imported ?? required ?? ""));
    return file === undefined ? [] : [file];
  });

  return [...new Set(files)];
}

const ENDS = ["", ".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", "/index.ts", "/index.js"];

/** As resolvers of TypeScript do: `./policy` and `./policy.js` may both mean `policy.ts`. */
function existing(path: string): string | undefined {
  const asTypeScript = path.replace(/\.([cm]?)js$/, ".$1ts");

  return [...ENDS.map((end) => path + end), asTypeScript].find(
    (file) => /\.[cm]?[jt]s$/.test(file) && existsSync(file) && statSync(file).isFile(),
  );
}
