import { definePolicy, type Policy, type TargetPolicy } from "@doorpolicy/core";
import { type AdvisoryLockOptions, withAdvisoryLock } from "@doorpolicy/pg";
import { type FaultProxy, startFaultProxy } from "@doorpolicy/testbed";

import { gate } from "../units/stage.ts";
import { startWorld, type World } from "../world.ts";

/** What is another in a target; `undefined` where it has none. */
type TargetChanges = { readonly [Key in keyof TargetPolicy]?: TargetPolicy[Key] | undefined };

/** Somebody who has a lock until he is told to let go. */
interface LockHolder {
  /** What its function was told. */
  readonly signal: AbortSignal;
  letGo(): Promise<unknown>;
}

/** Servers, and a wire on the way to Postgres itself. */
export interface DirectWorld extends AsyncDisposable {
  readonly world: World;
  readonly wire: FaultProxy;
  /** A policy of its own with a direct lane through the wire; each has connections of its own. */
  policy(target?: TargetChanges, more?: Policy): Policy;
  /** Somebody who has the lock, once he has it. */
  holder(key: string, options?: AdvisoryLockOptions, policy?: Policy): Promise<LockHolder>;
  /** How many advisory locks are held, as Postgres itself says. */
  locks(): Promise<number>;
  /** Backends of the policy's name, in the order in which they were started. */
  backends(): Promise<number[]>;
  /** Ends the backends of the policy's name. */
  terminate(): Promise<void>;
}

export async function startDirectWorld(): Promise<DirectWorld> {
  const world = await startWorld();
  const { urls } = world.bed;
  const wire = await startFaultProxy({ target: urls.direct });
  const name = "application_name = 'billing:deploy@web-1' and backend_type = 'client backend'";
  const policyOf: DirectWorld["policy"] = (changes = {}, more = {}) => {
    const target = {
      pooler: { kind: "pgbouncer", version: "1.24" },
      pooled: urls.pooled,
      direct: wire.url(urls.direct),
      ...changes,
    };
    const given = Object.entries(target).filter(([, value]) => value !== undefined);
    return definePolicy({
      mode: "enforce",
      naming: { app: "billing", user: "deploy", host: "web-1" },
      targets: { main: Object.fromEntries(given) },
      ...more,
    });
  };
  return {
    world,
    wire,
    policy: policyOf,
    async holder(key, options = {}, policy = policyOf()) {
      const held = gate();
      const over = gate();
      let signal = AbortSignal.abort();
      const done = withAdvisoryLock(policy, key, options, async (context) => {
        ({ signal } = context);
        held.open();
        await over.opened;
        return "done";
      });
      // Looked at when it is let go.
      done.catch(() => undefined);
      await Promise.race([held.opened, done]);
      return {
        signal,
        letGo: () => {
          over.open();
          return done;
        },
      };
    },
    async locks() {
      const [row] = await world.bed.sql(
        "select count(*) as held from pg_locks where locktype = 'advisory' and granted",
      );
      return Number(row?.["held"]);
    },
    async backends() {
      const rows = await world.bed.sql(
        `select pid from pg_stat_activity where ${name} and client_port <> -1 order by backend_start`,
      );
      return rows.map(({ pid }) => Number(pid));
    },
    async terminate() {
      await world.bed.sql(`select pg_terminate_backend(pid) from pg_stat_activity where ${name}`);
    },
    async [Symbol.asyncDispose]() {
      await wire.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}
