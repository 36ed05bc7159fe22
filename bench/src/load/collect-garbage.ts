import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Collects young garbage now, so that no variant pays for another. A full collection would also drop compiled code. */
export function collectGarbage(): void {
  if (typeof collect === "function") collect({ type: "minor" });
}
