import type { Environment } from "./env.ts";

/**
 * What a platform knows of the running process. The core asks nobody: whoever resolves a policy
 * passes it in, which keeps the core free of `node:*` and every name a function of its inputs.
 */
export interface ProcessIdentity {
  /** The started script, `process.argv[1]`. */
  readonly scriptPath?: string;
  /** `name` of the package.json nearest to the script, scope included. */
  readonly packageName?: string;
  /** The operating system's user name; absent in a container without a passwd entry. */
  readonly userName?: string;
  /** The operating system's user number; absent on Windows. */
  readonly userId?: number;
  readonly hostName: string;
  readonly processId: number;
}

/** What a policy is resolved against. */
export interface ProcessContext {
  readonly environment: Environment;
  readonly identity: ProcessIdentity;
  /**
   * The day that the `until` of written exceptions is held against, as `YYYY-MM-DD`.
   *
   * @default today in UTC
   */
  readonly today?: string;
}
