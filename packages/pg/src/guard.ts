import type { LaneInUse } from "@doorpolicy/core";

import { report, type ViolationDraft } from "./report.ts";
import { allowedBy, currentAllowance } from "./statements/allowing.ts";
import type { ConnectionSource } from "./units/lease.ts";

/** What a guarded driver does about a rule: act and report, report only, or neither. */
export type Response = "act" | "report" | "nothing";

/** What an adapter says of its ORM; see `GuardPgOptions`. */
interface GuardOptions {
  readonly isReplica?: Guard["isReplica"] | undefined;
  readonly hidesLoss?: boolean | undefined;
}

/** One policy at work in one guarded module: a lane, and what was said about it already. */
export class Guard {
  readonly lane: LaneInUse;
  /** Tells pools of replicas from those of the primary, by their options. */
  readonly isReplica: (poolOptions: Readonly<Record<string, unknown>>) => boolean;
  /** Holders hear of a lost connection from their next statement, not from an `error` event. */
  readonly hidesLoss: boolean;
  /** Weakly: an ORM whose start fails forgets its pools without ending them. */
  readonly #primaries = new Set<WeakRef<ConnectionSource>>();
  readonly #said = new Set<string>();

  constructor(lane: LaneInUse, { isReplica = () => false, hidesLoss = false }: GuardOptions = {}) {
    this.lane = lane;
    this.isReplica = isReplica;
    this.hidesLoss = hidesLoss && lane.mode !== "bypass";
  }

  /** A pool of the primary that takes statements; of several the one that was made first. */
  get primary(): ConnectionSource | undefined {
    for (const entry of this.#primaries) {
      const source = entry.deref();
      if (source !== undefined && !source.isEnding) return source;
      this.#primaries.delete(entry);
    }
    return undefined;
  }

  addPrimary(source: ConnectionSource): void {
    this.#primaries.add(new WeakRef(source));
  }

  /** The name that every connection of this module bears. */
  get name(): string {
    return this.lane.policy.name.text;
  }

  /**
   * | runtime | enforce | observe | bypass |
   * | --- | --- | --- | --- |
   * | by mode (default) | act | report | nothing |
   * | `refuse` | act | act | nothing |
   * | `warn` | report | report | nothing |
   * | `off` | nothing | nothing | nothing |
   *
   * A written exception, of the policy or of `allowing()`, turns "act" into "report".
   * `subject` is what its `match` is looked for in.
   */
  response(rule: string, subject = ""): Response {
    const { mode, policy } = this.lane;
    const runtime = policy.rules[rule]?.runtime ?? "by-mode";
    if (mode === "bypass" || runtime === "off") return "nothing";
    if (runtime === "warn" || (runtime === "by-mode" && mode === "observe")) return "report";
    return this.#exception(rule, subject) === undefined ? "act" : "report";
  }

  /**
   * Whether the server is told the limits of a block with its BEGIN. Not where a setting keeps the server
   * connection for one client (RDS Proxy): there they are the role's, and the guard watches its own.
   */
  tellsServer(subject = ""): boolean {
    return this.response("transaction/limits", subject) === "act" && !this.lane.has("pins-on-set");
  }

  /**
   * Reports a violation, in the name of this lane, unless its rule is off. What a written exception covers is
   * reported with its reason. `subject` as for `response`.
   */
  report(draft: ViolationDraft, subject = ""): void {
    if (this.lane.policy.rules[draft.rule]?.runtime === "off") return;
    const reason = this.#exception(draft.rule, subject);
    report(reason === undefined ? draft : excused(draft, reason), this.lane);
  }

  /** Reports what is so for every connection of this module only the first time. */
  reportOnce(key: string, draft: ViolationDraft, subject?: string): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.report(draft, subject);
  }

  #exception(rule: string, subject: string): string | undefined {
    return (
      allowedBy(currentAllowance(), rule) ??
      this.lane.policy.allow.find(
        (exception) =>
          exception.rule === rule &&
          (exception.match === undefined || subject.includes(exception.match)),
      )?.reason
    );
  }
}

/**
 * A report with the exception that covers it. What is done all the same keeps its action, as for a connection
 * that nobody may get any more; and what is refused in every mode is allowed by none.
 */
function excused(draft: ViolationDraft, reason: string): ViolationDraft {
  if (draft.action === "refused") return draft;
  const isLeftAlone = draft.action === "would-have" || draft.action === "reported";
  return {
    ...draft,
    action: isLeftAlone ? "allowed" : draft.action,
    message: `${draft.message} Allowed: ${reason}.`,
    reason,
  };
}
