import type { Capability } from "../capability.ts";
import type { Effect, EffectKind } from "../sql/effect.ts";
import { Lexer } from "../sql/lexer.ts";
import type { FindingLevel, Judgement } from "./finding.ts";
import { followedStatements } from "./followers.ts";
import { type ResolvedSetting, resolveSetting } from "./setting.ts";
import type { StatementSituation } from "./situation.ts";

/** One rule about what single statements do to the session that runs them. */
export interface StatementRule {
  /** `group/name`; never renamed. */
  readonly id: string;
  /** @default "refuse" */
  readonly level?: FindingLevel;
  /** What is wrong with an effect of a statement, if anything is. */
  judge(effect: Effect, where: Where): Judgement | undefined;
}

/** What makes a pooler keep the server connection for one client, by the effect that does. */
const PINS: Readonly<Partial<Record<EffectKind, readonly Capability[]>>> = {
  set: ["pins-on-set"],
  prepare: ["pins-on-prepare"],
  execute: ["pins-on-prepare"],
  deallocate: ["pins-on-prepare"],
  temp: ["pins-on-temp"],
  cursor: ["pins-on-cursor"],
  listen: ["pins-on-listen"],
  unlisten: ["pins-on-listen"],
  "session-lock": ["pins-on-lock", "pins-session-locks"],
  "session-unlock": ["pins-on-lock", "pins-session-locks"],
  load: ["pins-on-load"],
  sequence: ["pins-on-sequence"],
  discard: ["pins-on-discard"],
};

/** A situation with what rules ask of it. */
export class Where {
  /** In a block of its own text, too: several statements in one text are one block. */
  readonly isInBlock: boolean;
  readonly isWrapped: boolean;
  readonly #situation: StatementSituation;
  readonly #effects: readonly Effect[];
  readonly #statements: number;
  #followed: ((statement: number) => boolean) | undefined;

  constructor(situation: StatementSituation, effects: readonly Effect[], statements: number) {
    this.#situation = situation;
    this.#effects = effects;
    this.#statements = statements;
    // The server runs what comes in one message in one implicit transaction, and again behind a COMMIT in it.
    this.isInBlock = situation.isInBlock || statements > 1;
    this.isWrapped = situation.isWrapped ?? false;
  }

  has(capability: Capability): boolean {
    return this.#situation.has(capability);
  }

  /** The effects of the whole text. */
  get effects(): readonly Effect[] {
    return this.#effects;
  }

  /** Whether something comes behind an effect that ends with its transaction: in an open block, or in the text. */
  isFollowed({ statement }: Effect): boolean {
    if (this.#situation.isInBlock) return true;
    if (this.#statements === 1) return false;
    this.#followed ??= followedStatements(this.#situation.text, this.#effects, this.#statements);
    return this.#followed(statement);
  }

  /** Whether one of the words stands in the text as a keyword or a name, outside of strings and comments. */
  names(words: readonly string[]): boolean {
    const lexer = new Lexer(this.#situation.text);
    while (lexer.nextSignificant() !== "end") {
      if (words.some((word) => lexer.is(word))) return true;
    }
    return false;
  }

  /** Whether the pooler keeps the server connection for this client because of it. */
  pins({ kind }: Effect): boolean {
    return PINS[kind]?.some((capability) => this.has(capability)) ?? false;
  }

  /** A setting with what the bound values say of it; `undefined` for any other effect. */
  setting(effect: Effect): ResolvedSetting | undefined {
    return effect.kind === "set" ? resolveSetting(effect, this.#situation.values) : undefined;
  }

  /** How bad a setting is that is wrong for the session: one that may be the transaction's is right in a block. */
  levelOf({ scope }: ResolvedSetting): FindingLevel {
    return scope === undefined && this.isInBlock ? "warn" : "refuse";
  }

  /** Whether the pooler gives a parameter that is set for the session to this client alone. */
  follows({ parameter, by }: ResolvedSetting): boolean {
    if (by === "set" && this.has("parses-set")) return true;
    return parameter !== undefined && this.has(`tracks-parameter:${parameter}`);
  }

  /**
   * What becomes of session state here: it stays for strangers, or the pooler takes it away. Goes on from
   * what makes it.
   */
  fate(stays: string, isLost: string): string {
    return this.has("resets-session-state")
      ? `is taken away by the pooler when the transaction ends: ${isLost}`
      : `stays on a server connection that other clients use next: ${stays}`;
  }
}
