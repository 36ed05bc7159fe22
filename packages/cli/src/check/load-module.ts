import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { createJiti } from "jiti";

import type { Containment } from "./contain.ts";

/** A module that hangs must not hang the build that checks it. */
const LOAD_TIMEOUT_MS = 20_000;

/** The exports of a module, by name. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** A module that opens connections when it is imported, which `check` refuses. */
class ConnectsWhenLoaded extends Error {
  readonly hint: string =
    "Move `initialize()`, `connect()` and queries into a function; `check` reads exports and calls nothing.";

  constructor(cause: unknown) {
    super("the module opens a connection when it is imported", { cause });
  }
}

/**
 * Imports a module for its exports. TypeScript (decorators included), ESM and CommonJS; no connection
 * is made and the process is not ended, whatever the module does.
 *
 * It sees `environment` on top of the process's own variables, which win.
 */
export async function loadModule(
  file: string,
  environment: Readonly<Record<string, string>>,
  containment: Containment,
): Promise<ModuleExports> {
  const added = Object.entries(environment).filter(([name]) => process.env[name] === undefined);
  for (const [name, value] of added) process.env[name] = value;
  const before = containment.refusals();
  const triedToConnect = (): boolean => containment.refusals() > before;
  try {
    const loaded = await withinLimit(importOf(file)).catch((error: unknown) => {
      throw triedToConnect() ? new ConnectsWhenLoaded(error) : error;
    });
    // What a module starts without awaiting it has its turn before the exports are judged.
    await sleep(0);
    if (triedToConnect()) throw new ConnectsWhenLoaded(undefined);
    return loaded;
  } finally {
    for (const [name] of added) delete process.env[name];
  }
}

/** What Node says of a file that it cannot read by itself: TypeScript, decorators, extensions left out. */
const NOT_FOR_NODE: ReadonlySet<unknown> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_MODULE_NOT_FOUND",
  "ERR_REQUIRE_ESM",
  "MODULE_NOT_FOUND",
]);

/**
 * As Node itself imports it, which is how the service does it, and transpiled where Node cannot. An
 * error that the module throws is an answer, and the module is not run a second time.
 */
async function importOf(file: string): Promise<ModuleExports> {
  const loaded: unknown = await import(pathToFileURL(file).href).catch((error: unknown) => {
    const isNotForNode =
      error instanceof SyntaxError ||
      (error instanceof Error && "code" in error && NOT_FOR_NODE.has(error.code));
    if (isNotForNode) return importTranspiled(file);
    throw error;
  });

  // A module that is transpiled may export anything at all by `module.exports`.
  return typeof loaded === "object" && loaded !== null
    ? Object.fromEntries(Object.entries(loaded))
    : { default: loaded };
}

/** Imports a module whose TypeScript, decorators included, is transpiled on the way. */
export function importTranspiled(file: string): Promise<unknown> {
  return createJiti(pathToFileURL(file).href, {
    fsCache: false,
    interopDefault: false,
    tsconfigPaths: true,
    transformOptions: { babel: { plugins: [decoratedFieldsMayBeDefinite] } },
  }).import(file);
}

/**
 * `@Column() name!: string` as every entity says it: jiti runs the transform of decorators first, which
 * gives the field a value, and that of TypeScript then refuses a value after `!` (jiti 2.7.0).
 */
function decoratedFieldsMayBeDefinite(): object {
  const visitor = {
    ClassProperty({ node }: { readonly node: { definite?: boolean | null } }) {
      node.definite = null;
    },
  };

  return {
    visitor: {
      Program(path: { traverse(inner: typeof visitor): void }) {
        path.traverse(visitor);
      },
    },
  };
}

async function withinLimit<Value>(loading: Promise<Value>): Promise<Value> {
  const control = new AbortController();
  const limit = sleep(LOAD_TIMEOUT_MS, undefined, { signal: control.signal }).then(() => {
    throw new Error(`the module was not loaded within ${LOAD_TIMEOUT_MS / 1_000} s`);
  });
  limit.catch(() => {});
  try {
    return await Promise.race([loading, limit]);
  } finally {
    control.abort();
  }
}
