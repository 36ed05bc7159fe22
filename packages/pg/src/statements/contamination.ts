import { cachedEffectsOf, type EffectKind, transactionControlsIn } from "@doorpolicy/core";

import { activeQueryOf, type PgClient } from "../driver/pg-internals.ts";
import type { Guard } from "../guard.ts";

const RULE = "connections/contaminated";

/** Effects after which the server may report another value of a parameter. */
const SETTING: ReadonlySet<EffectKind> = new Set(["set", "discard", "execute", "opaque"]);

/** Parameters that change by themselves: a standby is promoted, a configuration is read anew. */
const OF_SERVER: ReadonlySet<string> = new Set(["in_hot_standby", "server_version"]);

const watches = new WeakMap<PgClient, Contamination>();

/** The watch over a connection; `undefined` where the session is the client's own, and in bypass. */
export function contaminationOf(client: PgClient): Contamination | undefined {
  return watches.get(client);
}

/** Watches a connection from before its login. */
export function watchContamination(client: PgClient, guard: Guard): void {
  if (guard.lane.mode === "bypass" || guard.lane.has("session-state")) return;
  watches.set(client, new Contamination(client, guard));
}

/**
 * Signs that the server connection behind is not as a fresh one, although no statement of ours has left
 * anything on it: the last net below the judging of texts. Whoever holds the connection keeps it; nobody gets
 * it after him.
 *
 * | sign | seen | unless |
 * | --- | --- | --- |
 * | a notification | at once | a rule lets this lane listen |
 * | a reported parameter is another than at the checkout | at the release | a text since then sets one, or may (`DO`, an unknown function) |
 * | a block is open | at its `ReadyForQuery` | the text that was answered begins one |
 */
export class Contamination {
  readonly #client: PgClient;
  readonly #guard: Guard;
  #hasSign = false;
  #hasSet = false;

  constructor(client: PgClient, guard: Guard) {
    this.#client = client;
    this.#guard = guard;
    client.connection.on("notification", () => this.#onNotification());
  }

  /** Somebody gets the connection. */
  begin(): void {
    this.#hasSet = false;
  }

  /** Takes note of a statement that has effects on its session. */
  noteEffects(text: string): void {
    this.#hasSet ||= cachedEffectsOf(text).effects.some(({ kind }) => SETTING.has(kind));
  }

  /** A block is open that no single BEGIN of ours has opened. */
  noteOpened(): void {
    const text = activeQueryOf(this.#client)?.text;
    if (text === undefined) return;
    for (const control of transactionControlsIn(text)) {
      if (control.kind === "begin" || ("chain" in control && control.chain)) return;
    }
    this.#note("The server says that a transaction is open, and no statement has begun one");
  }

  /**
   * Whether nobody may get it any more. `changed`: the reported parameters that are not as they were when
   * its holder got it.
   */
  isFoulAtRelease(changed: readonly string[]): boolean {
    const unasked = this.#hasSet ? [] : changed.filter((name) => !OF_SERVER.has(name));
    if (unasked.length > 0) {
      const names = unasked.map((name) => `\`${name}\``).join(", ");
      this.#note(`The session has another ${names} than before, and no statement has set it`);
    }
    return this.#hasSign;
  }

  #onNotification(): void {
    const mayListen =
      this.#guard.lane.has("pins-on-listen") ||
      this.#guard.response("session-state/no-listen") === "nothing";
    if (!mayListen) this.#note("A notification has arrived, and nothing on this lane may listen");
  }

  #note(what: string): void {
    if (this.#hasSign) return;
    this.#hasSign = true;
    this.#guard.report({
      rule: RULE,
      action: "closed",
      message: `${what}: the server connection holds what another client has left there, and this connection is closed when it is given back.`,
      help: "Look for services without a policy on the same pool, and for functions that set or listen.",
    });
  }
}
