import { definePolicy } from "@doorpolicy/core";
import { directFunctions } from "@doorpolicy/pg";
import { expect, test } from "vitest";

import { rejection, requirePg } from "../world.ts";

test("a pg that could not be loaded is asked for again, and one that could is not", async () => {
  const missing = new Error("not there yet");
  let loads = 0;
  const { withAdvisoryLock } = directFunctions(async () => {
    loads += 1;
    if (loads === 1) throw missing;
    return requirePg("pg");
  });
  const policy = definePolicy({
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    targets: { main: { pooler: { kind: "none" }, direct: "postgresql://a:b@127.0.0.1:1/a" } },
  });
  // It is looked at when the pg is there, and before anything is sent.
  const signal = AbortSignal.abort(new Error("enough"));
  const take = (): Promise<unknown> =>
    rejection(withAdvisoryLock(policy, "x", { signal }, () => "never"));

  expect([await take(), await take(), await take()]).toEqual([
    missing,
    signal.reason,
    signal.reason,
  ]);
  expect(loads).toBe(2);
});
