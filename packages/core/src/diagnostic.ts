import type { CheckLevel } from "./policy.ts";

/** What a rule finds: data, without colour or layout. */
export interface Finding {
  /** What happens to the server or to other clients, in plain words, with the number. */
  readonly message: string;
  /** One imperative sentence: "Set …", "Move …". */
  readonly help: string;
  /** The user's own key (see `Fact.path`). */
  readonly path: string;
}

/** A finding with its rule and its weight under a policy. */
export interface Diagnostic extends Finding {
  /** The rule's id, `group/name`. */
  readonly rule: string;
  readonly severity: Exclude<CheckLevel, "off">;
  readonly client: string;
  readonly target: string;
  /** The rule's page, relative to the documentation's root. */
  readonly docs: string;
  /** The reason of the written exception that covers it; such a finding fails nothing. */
  readonly allowed?: string;
}
