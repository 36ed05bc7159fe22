import type { Experiment } from "./method/experiment.ts";

/**
 * What is measured, by file. Each family runs in a process of its own with servers of its own, so that
 * its numbers do not depend on what ran before it: neither on compiled code nor on AsyncLocalStorage,
 * which costs every promise of a process once anybody has switched it on.
 */
export const families = {
  "guard-cpu": async () => (await import("./families/guard-cpu.ts")).guardCpu,
} satisfies Record<string, () => Promise<readonly Experiment[]>>;

export type FamilyName = keyof typeof families;

export function isFamilyName(name: string): name is FamilyName {
  return Object.hasOwn(families, name);
}
