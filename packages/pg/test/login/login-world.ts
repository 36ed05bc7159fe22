import { createHook } from "node:async_hooks";

import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { type GuardedPg, guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed, type TestbedOptions } from "@doorpolicy/testbed";
import pgModule from "pg";

import type { Pg } from "../world.ts";

/** Every pg that logins are tested with. */
export { PG_VERSIONS as VERSIONS } from "../world.ts";

/** Servers that ask for more than trust. */
export async function startLoginBed(options: TestbedOptions = {}): Promise<Testbed> {
  return await startTestbed({ allowDownload: true, poolSize: 5, auth: "scram", ...options });
}

/** A pg under a policy of this test, and what it reports; `guard` as in `startWorld`. */
export function guarded(
  module: Pg = pgModule,
  policy: Policy = {},
  guard: typeof guardPg = guardPg,
): { readonly pg: GuardedPg<Pg>; readonly seen: Violation[] } {
  const seen: Violation[] = [];
  const own = definePolicy({
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    ...policy,
    onViolation: (violation) => seen.push(violation),
  });
  return { pg: guard(module, own), seen };
}

/** The same place, without what the URL says of TLS, and as somebody else if need be. */
export function plainUrl(
  url: string,
  changed: { readonly user?: string; readonly password?: string } = {},
): string {
  const plain = new URL(url);
  plain.search = "";
  if (changed.user !== undefined) plain.username = changed.user;
  if (changed.password !== undefined) plain.password = encodeURIComponent(changed.password);
  return plain.href;
}

/** Connects, asks who it is, and closes. */
export async function logIn(
  pg: Pick<Pg, "Client">,
  config: string | ConstructorParameters<Pg["Client"]>[0],
): Promise<unknown> {
  const client = new pg.Client(config);
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query("select current_user as me");
  await client.end();
  return rows[0]?.["me"];
}

/** Counts the derivations of keys that this process begins, whoever asks for them. */
export function countDerivations(): { readonly count: number } & Disposable {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === "PBKDF2REQUEST") count += 1;
    },
  }).enable();
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => void hook.disable(),
  };
}
