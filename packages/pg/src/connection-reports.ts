import { scrubStatement } from "@doorpolicy/core";

import { type CallSite, describeCallSite } from "./call-site.ts";
import type { Guard } from "./guard.ts";
import type { OpenBlock } from "./open-block.ts";
import type { ViolationDraft } from "./report.ts";

/** What one connection reports: who held it, for how long, and what it was doing last. */
export class ConnectionReports {
  readonly #guard: Guard;
  /** The last statement that was given to it. Shown with its literals replaced only. */
  lastText: string | undefined;

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Reports what happened to a block, or to a connection outside of one that `site` has taken. */
  report(draft: ViolationDraft, block: OpenBlock | undefined, site?: CallSite): void {
    const openedBy = describeCallSite(block?.site ?? site);
    this.#guard.report({
      ...draft,
      message: this.#guard.withReason(draft.message, draft.rule, this.lastText),
      ...(block === undefined ? {} : { heldMs: block.heldMs }),
      ...(openedBy === undefined ? {} : { openedBy }),
      ...(this.lastText === undefined ? {} : { statement: scrubStatement(this.lastText) }),
    });
  }
}
