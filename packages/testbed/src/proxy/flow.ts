import type { Socket } from "node:net";
import { setTimeout } from "node:timers";
import { bytesToRead, readFacts } from "./facts.ts";
import { Framer, type Wire } from "./framer.ts";
import type { ProxyDirection } from "./messages.ts";
import type { ActiveRule, CutKind, RuleBook } from "./rules.ts";
import type { Entry, Transcript } from "./transcript.ts";

/** A message, and the rules that act on it. */
interface Met {
  readonly message: Entry;
  readonly rules: readonly ActiveRule[];
}

/** What a flow needs of the connection that it is half of. */
export interface FlowOwner {
  readonly number: number;
  readonly wire: Wire;
  readonly rules: RuleBook;
  readonly transcript: Transcript;
  sawStartup(parameters: Readonly<Record<string, string>>): void;
  cut(kind: CutKind): void;
  blackHole(): void;
}

/**
 * One direction of a connection: bytes in from `source`, out to `sink`.
 *
 * | state     | bytes that come             | end of the source          | left by                     |
 * | --------- | --------------------------- | -------------------------- | --------------------------- |
 * | passing   | framed, judged, passed on   | ends the sink              | a rule; `swallow()`         |
 * | waiting   | source paused, the rest kept | kept for later            | a timer or `release()`      |
 * | cutting   | passed on to the last byte wanted, the rest dropped | ends the sink | the last byte |
 * | swallowed | dropped                     | kept from the other side   | never                       |
 *
 * A chunk goes out in as few writes as came in: only where a rule stops a message is it divided, and
 * only the head of a message that is cut by a chunk's boundary is copied.
 */
export class Flow {
  readonly #direction: ProxyDirection;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #owner: FlowOwner;
  readonly #framer: Framer;
  #state: "passing" | "waiting" | "cutting" | "swallowed" = "passing";
  /** Not passed on yet: the begin of a message that cannot be judged, or what is behind one that waits. */
  #rest: Buffer | undefined;
  /** Bytes of the message under way that pass without being looked at. */
  #left = 0;
  #cut: (() => void) | undefined;
  #sinkIsFull = false;
  #sourceEnded = false;
  #paused = false;

  constructor(direction: ProxyDirection, source: Socket, sink: Socket, owner: FlowOwner) {
    this.#direction = direction;
    this.#source = source;
    this.#sink = sink;
    this.#owner = owner;
    this.#framer = new Framer(direction, owner.wire);
    source.on("data", (chunk: Buffer) => {
      if (this.#state === "swallowed") return;
      this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
      this.#run();
    });
    source.on("end", () => {
      this.#sourceEnded = true;
      this.#finishIfEnded();
    });
    sink.on("drain", () => {
      this.#sinkIsFull = false;
      this.#pauseOrResume();
    });
  }

  /** Nothing passes any more; the source is read on, so that its sender does not notice. */
  swallow(): void {
    this.#state = "swallowed";
    this.#rest = undefined;
    this.#cut = undefined;
    this.#pauseOrResume();
  }

  #run(): void {
    const buffer = this.#rest;
    if (buffer === undefined || this.#state === "waiting") return;
    this.#rest = undefined;
    let from = 0;
    let at = 0;
    while (at < buffer.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, buffer.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      if (this.#state !== "passing") break;
      if (this.#owner.wire.opaque) {
        at = buffer.length;
        break;
      }
      const judged = this.#judge(buffer, at);
      if (judged === "more") {
        // What cannot be framed passes with the next turn.
        if (this.#owner.wire.opaque) continue;
        break;
      }
      if (judged === "pass") continue;
      // What precedes the message goes out before anything is done about it.
      if (at > from) this.#write(buffer.subarray(from, at));
      from = at;
      this.#act(judged, 0);
    }
    if (at > from) this.#write(buffer.subarray(from, at));
    if (at < buffer.length && this.#keepsRest()) this.#rest = buffer.subarray(at);
    if (this.#left === 0) this.#finishCut();
    this.#pauseOrResume();
  }

  /** Takes the message at `at`, if enough of it is there; it then passes unless rules act on it. */
  #judge(buffer: Buffer, at: number): "more" | "pass" | Met {
    const framer = this.#framer;
    if (!framer.scan(buffer, at)) return "more";
    const { name, length, bodyAt } = framer;
    const { number, rules, transcript } = this.#owner;
    const about = rules.about(this.#direction, name, number);
    if (about.length === 0 && transcript.addRow(this, name, length)) {
      this.#left = length;
      return "pass";
    }
    const forMatch = about.some((rule) => rule.needsFacts);
    const wanted = bytesToRead(name, forMatch, transcript.limit > 0);
    const end = at + Math.min(length, bodyAt + wanted);
    if (buffer.length < end) return "more";
    framer.accept(buffer, at);
    this.#left = length;
    if (about.length === 0 && wanted === 0 && transcript.limit === 0) return "pass";
    const facts = readFacts(name, buffer.subarray(at + bodyAt, end));
    if (facts.startup !== undefined) this.#owner.sawStartup(facts.startup);
    const message: Entry = {
      connection: number,
      direction: this.#direction,
      message: name,
      bytes: length,
      times: 1,
      ...facts,
    };
    const met = about.filter((rule) => rule.meets(message));
    transcript.add(this, message);
    return met.length === 0 ? "pass" : { message, rules: met };
  }

  /** Does what the rules say, one after the other, from the one at `next` on. */
  #act(met: Met, next: number): void {
    const { message } = met;
    for (const [index, rule] of met.rules.entries()) {
      if (index < next || rule.ended) continue;
      const { step } = rule;
      if (step.kind === "count") {
        rule.acted(message);
        continue;
      }
      message.met = step.kind;
      if (step.kind === "delay" || step.kind === "hold") {
        this.#wait(rule, met, index);
      } else if (step.kind === "cut" || step.kind === "truncate") {
        this.#left = Math.min(step.bytes, message.bytes);
        this.#state = "cutting";
        this.#cut = () => {
          this.#owner.cut(step.with);
          rule.acted(message);
        };
      } else {
        this.#left = 0;
        this.#owner.blackHole();
        rule.acted(message);
      }
      return;
    }
  }

  #wait(rule: ActiveRule, met: Met, index: number): void {
    const { message } = met;
    this.#state = "waiting";
    this.#left = 0;
    const goOn = (): void => {
      if (this.#state !== "waiting") return;
      this.#state = "passing";
      this.#left = message.bytes;
      this.#act(met, index + 1);
      this.#run();
      this.#finishIfEnded();
    };
    if (rule.step.kind === "delay") setTimeout(goOn, rule.step.ms).unref();
    else rule.hold(goOn);
    rule.acted(message);
  }

  #write(bytes: Buffer): void {
    if (!this.#sink.write(bytes)) this.#sinkIsFull = true;
  }

  #keepsRest(): boolean {
    return this.#state === "passing" || this.#state === "waiting";
  }

  #finishCut(): void {
    const cut = this.#cut;
    this.#cut = undefined;
    cut?.();
  }

  #finishIfEnded(): void {
    if (!this.#sourceEnded || this.#state === "waiting" || this.#state === "swallowed") return;
    if (this.#rest !== undefined) this.#write(this.#rest);
    this.#rest = undefined;
    if (this.#state === "cutting") this.#finishCut();
    else this.#sink.end();
  }

  #pauseOrResume(): void {
    const pause = this.#state === "waiting" || (this.#sinkIsFull && this.#state !== "swallowed");
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#source.pause();
    else this.#source.resume();
  }
}
