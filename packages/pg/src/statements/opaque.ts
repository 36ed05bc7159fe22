import { type Effect, scrubStatement } from "@doorpolicy/core";

import type { Guard } from "../guard.ts";
import { sharedState } from "../registry.ts";

/** A statement whose text does not show what it does to its session. */
export interface OpaqueStatement {
  readonly target: string;
  readonly lane: string;
  /** What hides it: a `DO` block, a `CALL`, or a function that is not known. */
  readonly by: "do" | "call" | "function";
  /** The procedure's or function's name as it was written, folded; `""` for `DO`. */
  readonly name: string;
  /** How often such a statement was sent. */
  readonly count: number;
  /** The first one, with its literals replaced. */
  readonly statement: string;
}

/** Names that are kept; what comes after is not listed any more. */
const MAX_LISTED = 500;

type Counted = { -readonly [Key in keyof OpaqueStatement]: OpaqueStatement[Key] };

/** Counts an opaque statement. Costs a look-up once its name is known. */
export function noteOpaque(
  { by, name }: Extract<Effect, { kind: "opaque" }>,
  text: string,
  { lane }: Guard,
): void {
  const listed = (sharedState().opaque ??= new Map());
  const key = `${lane.target.name}/${lane.lane}/${by}/${name}`;
  const known = listed.get(key);
  if (known !== undefined) {
    known.count += 1;
    return;
  }
  if (listed.size >= MAX_LISTED) return;
  const statement = scrubStatement(text);
  listed.set(key, { target: lane.target.name, lane: lane.lane, by, name, count: 1, statement });
}

/**
 * What the statements of this process have called that no text shows the inside of: they are allowed, and
 * may still set, lock or listen. One entry for each `DO`, `CALL`ed procedure and function that is not known to
 * be harmless, of each target and lane where session state does not last; at most 500. Counted by every
 * copy of this package together, not in bypass.
 */
export function opaqueStatements(): readonly OpaqueStatement[] {
  return Array.from(sharedState().opaque?.values() ?? [], (entry) => ({ ...entry }));
}

/** How the process keeps them; see `registry.ts`. */
export type OpaqueCounts = Map<string, Counted>;
