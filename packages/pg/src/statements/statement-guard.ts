import {
  cachedEffectsOf,
  type Effect,
  type EffectKind,
  type Effects,
  judgeStatement,
  longStatementFinding,
  PolicyError,
  type PolicyErrorCode,
  scrubStatement,
  type StatementFinding,
} from "@doorpolicy/core";

import { type CallSite, describeCallSite, ownFrame } from "../call-site.ts";
import {
  dropUnsent,
  isPipelined,
  isSettled,
  type PgClient,
  type PgQuery,
  unsentQueriesOf,
} from "../driver/pg-internals.ts";
import { putBack, settleQuery } from "../driver/given.ts";
import { tellError } from "../driver/service-callback.ts";
import { isSubmittable } from "../driver/submittable.ts";
import type { Guard, Response } from "../guard.ts";
import { type AskedStatement, askedStatement, isNamed } from "./asked-statement.ts";
import { contaminationOf } from "./contamination.ts";
import { noteOpaque } from "./opaque.ts";
import { type Reading, Readings } from "./reading.ts";

/** Where a statement is about to run; asked only for what does something to its session. */
export interface StatementPlace {
  readonly isInBlock: () => boolean;
  /** See `StatementSituation`. */
  readonly isWrapped?: boolean;
  /** The connection that it goes to. */
  readonly client: PgClient;
  /** Where it has to wait, `refuseMisread` is asked when its turn has come. */
  readonly mayWait?: boolean;
  /** Who sends it; `own`: how many frames of ours stand between `problem()` and him. */
  readonly site: (own: number) => CallSite | undefined;
}

/** Nothing is said of these wherever they stand, so that what comes often costs no look at the situation. */
const HARMLESS: ReadonlySet<EffectKind> = new Set([
  "transaction-control",
  "notify",
  "fetch",
  "copy",
]);

const guards = new WeakMap<Guard, StatementGuard | undefined>();

/** While it is handed on: what {@link sendJudged} sends. */
let passed: object | undefined;

/**
 * Hands a query that was judged on to its connection, which judges as well: `send` is called at once, and what
 * it sends is judged by nobody a second time. Nothing is kept of that.
 */
export function sendJudged(query: object, send: () => void): void {
  putBack(query);
  passed = query;
  try {
    send();
  } finally {
    passed = undefined;
  }
}

/**
 * What judges the statements of one guarded module before they are sent; `undefined` in bypass, and where
 * the session is the client's own, so that there is nothing to judge.
 */
export function statementGuardOf(guard: Guard): StatementGuard | undefined {
  if (!guards.has(guard)) {
    const isIdle = guard.lane.mode === "bypass" || guard.lane.has("session-state");
    guards.set(guard, isIdle ? undefined : new StatementGuard(guard));
  }
  return guards.get(guard);
}

/**
 * Judges each statement by what its text does to the session that runs it. A text without an effect, which
 * nearly every one is, costs one look-up where it was seen before.
 */
export class StatementGuard {
  readonly #guard: Guard;
  readonly #refusesNames: boolean;
  readonly #pinsOnLength: boolean;
  readonly #readings = new Readings();

  constructor(guard: Guard) {
    this.#guard = guard;
    this.#refusesNames = !guard.lane.has("tracks-named-statements");
    this.#pinsOnLength = guard.lane.has("pins-on-long-statement");
  }

  /** Follows what the server says of a connection, from before its login. */
  follow(client: PgClient): void {
    this.#readings.follow(client);
  }

  /**
   * The error for a statement that may not be sent; one that may be is reported where the policy says so.
   * `through`: how many frames of ours stand between the caller of this and whoever sends the statement.
   */
  problem(
    text: string,
    config: unknown,
    values: unknown,
    place: StatementPlace,
    through: number = 0,
  ): PolicyError | undefined {
    const effects = cachedEffectsOf(text);
    return this.#isPlain(effects, config)
      ? undefined
      : this.#judge(effects, text, config, values, place, through);
  }

  /** True for a statement that has nothing to judge, whatever its values are; what nearly every one is. */
  isPlain(text: string, config: unknown): boolean {
    return this.#isPlain(cachedEffectsOf(text), config);
  }

  #isPlain(effects: Effects, config: unknown): boolean {
    return (
      hasNothingToJudge(effects) &&
      !this.#pinsOnLength &&
      !this.#readings.areOdd &&
      !(this.#refusesNames && isNamed(config))
    );
  }

  #judge(
    effects: Effects,
    text: string,
    config: unknown,
    values: unknown,
    place: StatementPlace,
    through: number,
  ): PolicyError | undefined {
    contaminationOf(place.client)?.noteEffects(text);
    if (isSubmittable(config)) {
      if (config === passed) return undefined;
      settleQuery(config);
    }
    const found = this.#findings(effects, askedStatement(text, config, values), place);
    const isNow = place.mayWait !== true || isSettled(place.client) || isPipelined(place.client);
    const misread = isNow ? this.#misread(this.#readings.of(place.client), text) : undefined;
    const findings = misread === undefined ? found : [misread, ...found];
    return findings.length === 0
      ? undefined
      : this.#act(findings, text, () => place.site(FRAMES + through));
  }

  /**
   * Refuses what waits on a connection that is ready for the next statement, as far as the session would read
   * it otherwise: what was answered just now may have set it so, or the login has said it first.
   */
  refuseMisread(client: PgClient, textOf: (query: PgQuery) => string | undefined): void {
    const reading = this.#readings.areOdd ? this.#readings.of(client) : undefined;
    if (reading === undefined) return;
    for (
      let [next] = unsentQueriesOf(client);
      next !== undefined;
      [next] = unsentQueriesOf(client)
    ) {
      const text = textOf(next) ?? "";
      const finding = this.#misread(reading, text);
      const error = finding && this.#act([finding], text, () => undefined);
      if (error === undefined) return;
      dropUnsent(client);
      tellError(next, error, client.connection);
    }
  }

  /** Where it is only told, once a session: on an odd database each statement would say the same. */
  #misread(reading: Reading | undefined, text: string): StatementFinding | undefined {
    const finding = reading?.findingOf(text);
    if (reading === undefined || finding === undefined) return undefined;
    const isTold = this.#response(finding, text) === "act" || reading.isToTell();
    return isTold ? finding : undefined;
  }

  #findings(
    effects: Effects,
    asked: AskedStatement,
    place: StatementPlace,
  ): readonly StatementFinding[] {
    const { has } = this.#guard.lane;
    const long = this.#pinsOnLength
      ? longStatementFinding(asked.text, (text) => Buffer.byteLength(text))
      : undefined;
    const counted = effects.effects.filter((effect) => this.#count(effect, asked.text));
    if (counted.length === 0 && !asked.isNamed) return long === undefined ? [] : [long];
    const { values, isNamed: hasName, text } = asked;
    const found = judgeStatement(effects, {
      has,
      text,
      values,
      isNamed: hasName,
      isInBlock: counted.length > 0 && place.isInBlock(),
      isWrapped: place.isWrapped ?? false,
    });
    return long === undefined ? found : [...found, long];
  }

  /** True for an effect that is to be judged; an opaque one is counted instead. */
  #count(effect: Effect, text: string): boolean {
    if (effect.kind === "opaque") {
      noteOpaque(effect, text, this.#guard);
      return false;
    }
    return !HARMLESS.has(effect.kind);
  }

  /** Each rule is reported once a statement; the first that refuses is what its sender is told. */
  #act(
    findings: readonly StatementFinding[],
    text: string,
    site: () => CallSite | undefined,
  ): PolicyError | undefined {
    const told = new Set<string>();
    for (const finding of findings) {
      const { rule, level, message, help } = finding;
      const response = told.has(rule) ? "nothing" : this.#response(finding, text);
      if (response === "nothing") continue;
      told.add(rule);
      const isRefused = response === "act";
      const sender = site();
      // Of `pool.query()` the stack shows the pool alone.
      const openedBy = ownFrame(sender) === undefined ? undefined : describeCallSite(sender);
      this.#guard.report(
        {
          rule,
          action: isRefused ? "refused" : level === "warn" ? "reported" : "would-have",
          message,
          help,
          statement: scrubStatement(text),
          ...(openedBy === undefined ? {} : { openedBy }),
        },
        text,
      );
      if (isRefused) return new PolicyError(codeOf(rule), message, { hint: help });
    }
    return undefined;
  }

  /** What is only worth a warning is refused where the policy says so in as many words. */
  #response({ rule, level }: StatementFinding, text: string): Response {
    const response = this.#guard.response(rule, text);
    if (response !== "act" || level === "refuse") return response;
    return this.#guard.lane.policy.rules[rule]?.runtime === "refuse" ? "act" : "report";
  }
}

/** Also of a single BEGIN or COMMIT, which every transaction sends. */
function hasNothingToJudge({ effects }: Effects): boolean {
  return (
    effects.length === 0 || (effects.length === 1 && effects[0]?.kind === "transaction-control")
  );
}

/** From `problem()` to where `site` is called. */
const FRAMES = 5;

function codeOf(rule: string): PolicyErrorCode {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test holds the ids against the codes.
  return rule as PolicyErrorCode;
}
