import { type LaneInUse, PolicyError } from "@doorpolicy/core";
import { actsOn } from "@doorpolicy/pg";

import { hasPlan } from "./plan-mark.ts";

/**
 * Refuses a client that no unit reaches: its statements would carry no `setLocal` and join no
 * `transaction()`, without a word. An adapter that somebody has put around a guarded one passes; what is
 * inside of it cannot be seen.
 *
 * `_engineConfig.adapter` is private, and the same in 6.16 to 7.10; where it is not, nobody can tell, and
 * nothing is refused.
 *
 * @throws PolicyError `driver/native` for Prisma's own engine (and Accelerate), `options/refused` for a
 * `PrismaPg` without the policy.
 */
export function refuseUnguardedClient(client: object): void {
  const config: unknown = Reflect.get(client, "_engineConfig");
  if (!isObject(config)) return;
  const adapter: unknown = Reflect.get(config, "adapter");
  if (!isObject(adapter)) {
    throw new PolicyError(
      "driver/native",
      "This client sends its statements through Prisma's own engine, past every unit of work: without its `setLocal`, and outside of its transaction().",
      {
        path: "$extends(units)",
        hint: "Use `new PrismaClient(withPolicy({}, policy))` of @prisma/client 6.16 or later on the pg adapter.",
      },
    );
  }
  if (hasPlan(adapter) || !("externalPool" in adapter)) return;
  throw new PolicyError(
    "options/refused",
    "This client has a PrismaPg without the policy, whose statements know no unit of work: they go out without its `setLocal`, and outside of its transaction().",
    { path: "adapter", hint: "Pass the client's options through `withPolicy(options, policy)`." },
  );
}

const RULE = "unit/required-setting";

/**
 * Refuses a URL for Prisma's own engine where the target requires a setting: the engine sends none. Not
 * on the direct lane, which Prisma's CLI takes.
 *
 * @throws PolicyError `unit/required-setting`.
 */
export function refuseWithoutSetting(lane: LaneInUse): void {
  const { requireSetting, name } = lane.target;
  const path = `targets.${name}.requireSetting`;
  if (lane.lane === "direct" || requireSetting.length === 0 || !actsOn(lane, RULE, path)) return;
  throw new PolicyError(
    RULE,
    `Target \`${name}\` requires ${requireSetting.map((one) => `\`${one}\``).join(", ")} of each statement, and Prisma's own engine sends none: a row-level policy would see no tenant.`,
    {
      path,
      hint: "Use `withPolicy` and the pg adapter (@prisma/client 6.16 or later) instead of a URL.",
    },
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
