import { TestbedError } from "../errors.ts";
import { checkAction, checkCondition } from "./check.ts";
import type { ProxyMessage } from "./facts.ts";
import type {
  ClientMessageName,
  ProxyDirection,
  ProxyMessageName,
  ServerMessageName,
} from "./messages.ts";

/** Which messages a rule is about. What is left out, is not asked. */
export type FaultCondition = FaultOrigin & {
  /**
   * Further conditions on what the message says. Asked before anything of the message is passed on; an
   * error it throws is thrown in the process as an uncaught one, and the message passes.
   */
  readonly match?: (message: ProxyMessage) => boolean;
  /** Act on the nth such message only, from 1; the others are counted and pass. @default every one */
  readonly nth?: number;
  /** Number of the only connection it is about. */
  readonly connection?: number;
};

/** Who sends the message, and what it is: one name, or several. */
export type FaultOrigin =
  | {
      readonly direction: "client";
      readonly message?: ClientMessageName | readonly ClientMessageName[];
    }
  | {
      readonly direction: "server";
      readonly message?: ServerMessageName | readonly ServerMessageName[];
    };

/**
 * How a connection ends: `"fin"` closes both sides in order, as a process that exits does; `"rst"` resets
 * both, as a firewall does: what a slow receiver has not taken from the kernel by then is lost, and a
 * receiver in Node may see bytes and the reset behind them as bytes and an end (libuv looks no further).
 */
export type CutKind = "fin" | "rst";

/**
 * What happens at a message. What came before it in its direction has been passed on.
 *
 * - `"cut"`: it is not passed on, and both sides of the connection are closed (`with`, default `"fin"`).
 * - `truncate`: its first `bytes` (type byte and length included) are passed on, then as `"cut"`.
 * - `"blackHole"`: nothing of this connection is passed on from here on, in either direction, not even
 *   that a side has closed; both sockets stay open until `cut()` or `stop()`.
 * - `delay`: it waits for `ms`, and so does everything behind it in its direction.
 * - `"hold"`: as `delay`, until `release()`.
 * - `"count"`: it passes.
 */
export type FaultAction =
  | "cut"
  | "blackHole"
  | "hold"
  | "count"
  | { readonly kind: "cut"; readonly with?: CutKind }
  | { readonly kind: "truncate"; readonly bytes: number; readonly with?: CutKind }
  | { readonly kind: "delay"; readonly ms: number };

/** {@link FaultAction} in its long form. */
export type Step =
  | { readonly kind: "blackHole" | "hold" | "count" }
  | { readonly kind: "cut" | "truncate"; readonly bytes: number; readonly with: CutKind }
  | { readonly kind: "delay"; readonly ms: number };

/** A rule in force. */
export interface FaultRule extends Disposable {
  /** Messages that met the condition so far, whether or not they were the nth. */
  readonly count: number;
  /**
   * The first message that was acted on, once the action is under way: sockets closed, message held.
   * Rejects with `testbed/stopped` when the rule is removed or the proxy stopped before.
   */
  readonly hit: Promise<ProxyMessage>;
  /** Lets go what is held now. The rule stays: the next such message is held again. */
  release(): void;
  /** Ends the rule, and lets go what it holds. */
  remove(): void;
}

/** A rule as the flows see it. */
export interface ActiveRule {
  readonly step: Step;
  readonly needsFacts: boolean;
  isAbout(name: ProxyMessageName, connection: number): boolean;
  /** Counts the message; whether the rule acts on it. */
  meets(message: ProxyMessage): boolean;
  /** The action is under way. */
  acted(message: ProxyMessage): void;
  /** It was removed: a message that met it before is not acted on any more. */
  readonly ended: boolean;
  /** Calls back at `release()`, and when the rule ends. */
  hold(goOn: () => void): void;
}

const NONE: readonly ActiveRule[] = [];

/** The rules in force, in the order in which they were made. */
export class RuleBook {
  readonly #rules: Record<ProxyDirection, readonly OwnRule[]> = { client: [], server: [] };

  add(condition: FaultCondition, action: FaultAction): FaultRule {
    checkCondition(condition);
    const { direction } = condition;
    const rule = new OwnRule(condition, checkAction(action), () => {
      this.#rules[direction] = this.#rules[direction].filter((each) => each !== rule);
    });
    this.#rules[direction] = [...this.#rules[direction], rule];
    return rule.handle;
  }

  /** Rules that ask for a message of this name; nothing is allocated where none does. */
  about(
    direction: ProxyDirection,
    name: ProxyMessageName,
    connection: number,
  ): readonly ActiveRule[] {
    const rules = this.#rules[direction];
    for (const rule of rules) {
      if (rule.isAbout(name, connection)) {
        return rules.filter((each) => each.isAbout(name, connection));
      }
    }
    return NONE;
  }

  removeAll(): void {
    for (const rule of [...this.#rules.client, ...this.#rules.server]) rule.handle.remove();
  }
}

class OwnRule implements ActiveRule {
  readonly step: Step;
  readonly needsFacts: boolean;
  readonly handle: FaultRule;
  #count = 0;
  ended = false;
  readonly #condition: FaultCondition;
  readonly #names: ReadonlySet<ProxyMessageName> | undefined;
  readonly #held = new Set<() => void>();
  #resolveHit: (message: ProxyMessage) => void = () => {};
  #rejectHit: (error: Error) => void = () => {};

  constructor(condition: FaultCondition, step: Step, onRemove: () => void) {
    // A copy: an object that is changed afterwards would change the rule without a check.
    this.#condition = { ...condition };
    this.step = step;
    this.needsFacts = condition.match !== undefined;
    const { message } = condition;
    if (message !== undefined) this.#names = new Set([message].flat());
    const hit = new Promise<ProxyMessage>((resolve, reject) => {
      this.#resolveHit = resolve;
      this.#rejectHit = reject;
    });
    // Whoever does not wait for it has no use for the news that it never came.
    hit.catch(() => {});
    const count = (): number => this.#count;
    const release = (): void => this.#release();
    const remove = (): void => {
      if (this.ended) return;
      this.ended = true;
      onRemove();
      this.#rejectHit(neverMet());
      release();
    };
    this.handle = {
      get count() {
        return count();
      },
      hit,
      release,
      remove,
      [Symbol.dispose]: remove,
    };
  }

  isAbout(name: ProxyMessageName, connection: number): boolean {
    if (this.#names !== undefined && !this.#names.has(name)) return false;
    return this.#condition.connection === undefined || this.#condition.connection === connection;
  }

  meets(message: ProxyMessage): boolean {
    const { match, nth } = this.#condition;
    if (match !== undefined && !asked(match, message)) return false;
    this.#count += 1;
    return nth === undefined || this.#count === nth;
  }

  acted(message: ProxyMessage): void {
    this.#resolveHit({ ...message });
  }

  hold(goOn: () => void): void {
    this.#held.add(goOn);
  }

  #release(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const goOn of held) goOn();
  }
}

/** The proxy goes on where a test's own function fails, and the failure is seen all the same. */
function asked(match: (message: ProxyMessage) => boolean, message: ProxyMessage): boolean {
  try {
    return match(message);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return false;
  }
}

function neverMet(): TestbedError {
  return new TestbedError(
    "testbed/stopped",
    "The rule ended before a message met it.",
    "Look at `seen` of the proxy for what was sent, or wait for `hit` before the rule is removed.",
  );
}
