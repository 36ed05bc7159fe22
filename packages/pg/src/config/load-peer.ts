import { createRequire } from "node:module";
import { join } from "node:path";

import { PolicyError } from "@doorpolicy/core";

/**
 * Where an application's own packages may be found: beside the adapter, beside the script that was
 * started, below the current directory. A bundler leaves the first one empty.
 */
export function peerAnchors(own: string | undefined): readonly string[] {
  const anchors = [own, process.argv[1], join(process.cwd(), "package.json")];
  return anchors.filter((anchor): anchor is string => anchor !== undefined && anchor !== "");
}

/** The file of a package as seen from the first anchor that has it; `undefined` where none does. */
export function findPeer(name: string, anchors: readonly string[]): string | undefined {
  for (const anchor of anchors) {
    try {
      return createRequire(anchor).resolve(name);
    } catch {
      // Not from here.
    }
  }
  return undefined;
}

/**
 * Loads a package of the application as the ORM itself would, and never a copy of our own. `option`
 * is the key by which a service may give it instead.
 *
 * Throws `PolicyError` `driver/missing` where no anchor has it, where a package that it needs is not
 * there, which is then named, or where loading it fails otherwise; the `cause` then says why.
 */
export function loadPeer(name: string, option: string, anchors: readonly string[]): unknown {
  const file = findPeer(name, anchors);
  if (file === undefined) {
    throw new PolicyError("driver/missing", `The package \`${name}\` is not installed.`, {
      hint: `Run \`npm install ${name}\`, or pass it as \`${option}\`.`,
    });
  }
  try {
    return createRequire(file)(file) as unknown;
  } catch (cause) {
    const needed = missingPackage(cause);
    if (needed !== undefined) {
      throw new PolicyError(
        "driver/missing",
        `The package \`${needed}\` is not installed, and \`${name}\` cannot be loaded without it.`,
        { hint: `Run \`npm install ${needed}\`, or pass \`${name}\` as \`${option}\`.`, cause },
      );
    }
    throw new PolicyError(
      "driver/missing",
      `The package \`${name}\` is installed and cannot be loaded.`,
      {
        hint: `Run \`npm install ${name}\` again, or pass it as \`${option}\`.`,
        cause,
      },
    );
  }
}

/** The package that a module did not find; a file of its own, whose path nobody wants to read, is none. */
function missingPackage(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  if (cause.code !== "MODULE_NOT_FOUND" && cause.code !== "ERR_MODULE_NOT_FOUND") return undefined;
  return /^Cannot find (?:module|package) '(?<name>(?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^']*)?'/u.exec(
    cause.message,
  )?.groups?.["name"];
}
