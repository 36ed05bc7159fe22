import { scrubStatement } from "@doorpolicy/core";

import { type CallSite, describeCallSite } from "../call-site.ts";
import type { Guard } from "../guard.ts";
import type { OpenBlock } from "./open-block.ts";
import type { ViolationDraft } from "../report.ts";

/** What one connection reports: who held it, for how long, and what it was doing last. */
export class ConnectionReports {
  readonly #guard: Guard;
  /** The last statement that was given to it. Shown with its literals replaced only. */
  lastText: string | undefined;

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /**
   * Reports what happened to a block, or to a connection outside of one that `site` has taken. Never
   * throws: a report that fails must not cost the connection that it is about.
   */
  report(draft: ViolationDraft, block: OpenBlock | undefined, site?: CallSite): void {
    try {
      this.#report(draft, block, site);
    } catch (error) {
      process.emitWarning(`A violation of ${draft.rule} could not be reported: ${String(error)}`, {
        type: "DoorpolicyWarning",
        code: "DOORPOLICY_REPORT",
      });
    }
  }

  #report(draft: ViolationDraft, block: OpenBlock | undefined, site: CallSite | undefined): void {
    const openedBy = describeCallSite(block?.site ?? site);
    this.#guard.report(
      {
        ...draft,
        ...(block === undefined ? {} : { heldMs: block.heldMs }),
        ...(openedBy === undefined ? {} : { openedBy }),
        ...(this.lastText === undefined ? {} : { statement: scrubStatement(this.lastText) }),
      },
      this.lastText,
    );
  }
}
