import type { Effect, Effects } from "./effect.ts";
import { effectsOf, ORDINARY } from "./effects.ts";
import { KeptTexts } from "./kept-texts.ts";
import { isOrdinary } from "./ordinary.ts";
import { bodyEnd, bodyStart } from "./outer-comments.ts";
import { unitAt } from "./characters.ts";

const STAR = 0x2a;
const SLASH = 0x2f;

/** How far from its end a text is looked at before it is compared: where the ids of a trace stand. */
const TAIL = 16;

/** How much an {@link EffectCache} keeps. */
export interface EffectCacheLimits {
  /**
   * Texts that are kept at most, and as many beginnings of texts that end in a comment; those that nobody has
   * asked for longest go first.
   *
   * @default 1000
   */
  readonly maxTexts?: number;
  /** UTF-16 code units of a text that is kept at most; a longer one is read each time. @default 4096 */
  readonly maxLength?: number;
}

/**
 * {@link effectsOf} for the texts that a service sends again and again: what they give is kept, under the
 * text without the comments that it begins and ends with. So a comment of a tracing agent, which is never
 * the same, does not make each statement a new one.
 *
 * With the defaults it holds 16 MB at most, if every text were as long as may be and held a character
 * beyond Latin-1.
 */
export class EffectCache {
  private readonly kept: KeptTexts<Effects>;
  /**
   * What stood before the last comment of a text, and whether that is ordinary by one look: then no string or
   * comment is open at its end, and what follows it is a comment whatever is in it.
   */
  private readonly heads: KeptTexts<boolean>;
  /** Often the next one is the same again, and then even the comments need no look. */
  private lastText = "";
  private lastEffects: Effects = effectsOf("");
  /** Of the last comment that a text ended with: an agent's ids are as long each time. */
  private commentLength = 0;
  private readonly maxLength: number;

  constructor({ maxTexts = 1000, maxLength = 4096 }: EffectCacheLimits = {}) {
    this.kept = new KeptTexts(maxTexts);
    this.heads = new KeptTexts(maxTexts);
    this.maxLength = maxLength;
  }

  /** How many texts are kept, beginnings not counted. */
  get size(): number {
    return this.kept.size;
  }

  /** What {@link effectsOf} gives. */
  effectsOf(text: string): Effects {
    if (mayBeSame(text, this.lastText) && text === this.lastText) return this.lastEffects;
    if (text.length > this.maxLength) return effectsOf(text);
    // An agent's comment is new each time: reading its characters would cost more than all the rest.
    if (isAt(text, text.length - 2, STAR, SLASH) && this.isOrdinaryBeforeComment(text)) {
      return ORDINARY;
    }
    const from = bodyStart(text);
    const to = bodyEnd(text, from);
    const isWhole = from === 0 && to === text.length;
    const found = this.ofBody(isWhole ? text : text.slice(from, to));
    const effects = from === 0 ? found : movedBy(from, found);
    this.lastText = text;
    this.lastEffects = effects;
    return effects;
  }

  private isOrdinaryBeforeComment(text: string): boolean {
    const start = this.commentStart(text);
    // Behind what is ordinary it begins a comment, which has to end with the text. If one is in it, then both do not.
    if (start <= 0 || text.indexOf("*/", start + 2) !== text.length - 2) return false;
    this.commentLength = text.length - start;
    const head = text.slice(0, start);
    const known = this.heads.get(head);
    if (known !== undefined) return known;
    const isKnown = isOrdinary(head);
    this.heads.set(head, isKnown);
    return isKnown;
  }

  private commentStart(text: string): number {
    const likely = text.length - this.commentLength;
    return isAt(text, likely, SLASH, STAR) ? likely : text.lastIndexOf("/*");
  }

  private ofBody(body: string): Effects {
    const known = this.kept.get(body);
    if (known !== undefined) return known;
    const effects = effectsOf(body);
    this.kept.set(body, effects);
    return effects;
  }
}

/**
 * Whether a comparison is worth it: two long texts that differ in an id near their end are compared nearly
 * whole before the difference is found.
 */
function mayBeSame(text: string, other: string): boolean {
  const { length } = text;
  if (length !== other.length) return false;
  return (
    length < TAIL ||
    (unitAt(text, length - TAIL) === unitAt(other, length - TAIL) &&
      unitAt(text, length - TAIL / 2) === unitAt(other, length - TAIL / 2))
  );
}

function isAt(text: string, at: number, first: number, second: number): boolean {
  return at >= 0 && unitAt(text, at) === first && unitAt(text, at + 1) === second;
}

/** The cache of this copy of the package, with the defaults of {@link EffectCache}. */
export function cachedEffectsOf(text: string): Effects {
  return shared.effectsOf(text);
}

const shared = new EffectCache();

/** The same effects further behind. */
function movedBy(offset: number, found: Effects): Effects {
  if (found.effects.length === 0) return found;
  const effects = found.effects.map((effect): Effect =>
    Object.freeze({ ...effect, at: effect.at + offset }),
  );
  return Object.freeze({ effects: Object.freeze(effects), statements: found.statements });
}
