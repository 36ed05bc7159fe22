import { isTestbedError, type TestbedErrorCode } from "@doorpolicy/testbed";

const CANNOT_BE_HAD: ReadonlySet<TestbedErrorCode> = new Set([
  "testbed/download-failed",
  "testbed/download-not-allowed",
  "testbed/pooler-not-found",
  "testbed/postgres-not-found",
  "testbed/unsupported-platform",
  "testbed/version-unavailable",
]);

/** Why a server cannot be had on this machine; `undefined` for an error that is a fault of ours. */
export function unavailability(error: unknown): string | undefined {
  if (!isTestbedError(error) || !CANNOT_BE_HAD.has(error.code)) return undefined;
  return error.message;
}
