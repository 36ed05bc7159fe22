import type { Experiment } from "./method/experiment.ts";

/**
 * What is measured, by file. Each family runs in a process of its own with servers of its own, so that
 * its numbers do not depend on what ran before it: neither on compiled code nor on AsyncLocalStorage,
 * which costs every promise of a process once anybody has switched it on.
 */
export const families = {
  "guard-cpu": async () => (await import("./families/guard-cpu.ts")).guardCpu,
  "guard-query": async () => (await import("./families/guard-query.ts")).guardQuery,
  "null-pool": async () => (await import("./families/null-pool.ts")).nullPool,
  "round-trip": async () => (await import("./families/round-trip.ts")).roundTrip,
  libpq: async () => (await import("./families/libpq.ts")).libpq,
  units: async () => (await import("./families/units.ts")).units,
  saturated: async () => (await import("./families/saturated.ts")).saturated,
  scale: async () => (await import("./families/scale.ts")).scale,
  idle: async () => (await import("./families/idle.ts")).idle,
  orms: async () => (await import("./families/orms.ts")).orms,
  elsewhere: async () => (await import("./families/elsewhere.ts")).elsewhere,
  classifier: async () => (await import("./families/classifier.ts")).classifier,
  imports: async () => (await import("./families/imports.ts")).imports,
} satisfies Record<string, () => Promise<readonly Experiment[]>>;

export type FamilyName = keyof typeof families;

export function isFamilyName(name: string): name is FamilyName {
  return Object.hasOwn(families, name);
}
