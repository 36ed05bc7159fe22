import { after, type Timer } from "../clock.ts";
import { outsideUnits } from "../units/context.ts";

/** A timer of a pool: it serves many, and keeps nobody's unit alive for having come first. */
export function later(delayMs: number, action: () => void): Timer {
  return outsideUnits(() => after(delayMs, action));
}
