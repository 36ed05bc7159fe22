import { afterCommit, detached, transaction } from "@doorpolicy/pg";
import type { Block, Row, Statements } from "../client.ts";
import { inWords, isUnknown } from "./errors.ts";
import { type Entry, newEntry } from "./ledger.ts";
import type { Plan, Step, TortureClient } from "./plan.ts";
import { type ClientSet, SLOW_NOTE, TAKEN } from "./world.ts";

/** The setting that every unit with `setLocal` has, with its own name as value. */
export const SETTING = "torture.unit";

/** What a unit throws by plan. */
class Planned extends Error {}

/** Where steps run. */
interface Scope {
  readonly statements: (by: TortureClient) => Statements;
  /** The ORM's own block that is open. */
  readonly block?: Block;
  readonly entry: Entry;
  /** What it is stored with: the unit's own transaction, or one that stands beside it. */
  readonly outermost?: Entry;
}

/** One unit at work: what it does, and what it is told of it. */
export class UnitRun {
  readonly plan: Plan;
  /** What does not fit what a unit may see; each is a violation. */
  readonly problems: string[] = [];
  /** Calls that nobody awaits in the unit itself. */
  readonly stragglers: Promise<unknown>[] = [];
  /** Whoever ended a backend. */
  kills = 0;
  /** Functions given to `afterCommit()`, each with the transaction whose COMMIT it waits for. */
  readonly afterCommits: { readonly entry: Entry; calls: number }[] = [];
  readonly #clients: ClientSet;
  readonly #kill: (pid: number, begun: string) => Promise<boolean>;
  readonly #written = new Map<string, Entry>();
  readonly #leaked: (() => Promise<void>)[] = [];

  constructor(
    plan: Plan,
    clients: ClientSet,
    kill: (pid: number, begun: string) => Promise<boolean>,
  ) {
    this.plan = plan;
    this.#clients = clients;
    this.#kill = kill;
  }

  /** The name of the unit in its setting. */
  get name(): string {
    return `u${this.plan.index}`;
  }

  /** Performs the plan's steps; rejects as the first that fails. */
  async perform(entry: Entry, outermost: Entry = entry): Promise<void> {
    const scope: Scope = { statements: (by) => this.#clients[by], entry, outermost };
    for (const step of this.plan.steps) await this.#step(step, scope);
    if (this.plan.throws) throw new Planned("The unit fails by plan.");
  }

  /** Gives back what was leaked, and waits for what nobody has awaited. */
  async cleanUp(): Promise<void> {
    for (const release of this.#leaked) await release();
    // One of them may start another.
    for (let known = -1; known < this.stragglers.length;) {
      known = this.stragglers.length;
      await Promise.allSettled(this.stragglers);
    }
  }

  /** Runs something that is stored whole or not at all, and notes what was told of it. */
  async told<Result>(entry: Entry, run: () => Promise<Result>): Promise<Result> {
    try {
      const result = await run();
      entry.told = "stored";
      return result;
    } catch (error) {
      entry.told = isUnknown(error) ? "unknown" : "undone";
      throw error;
    }
  }

  async #steps(steps: readonly Step[], scope: Scope, throws = false): Promise<void> {
    for (const step of steps) await this.#step(step, scope);
    if (throws) throw new Planned("A block fails by plan.");
  }

  async #step(step: Step, scope: Scope): Promise<void> {
    switch (step.do) {
      case "write":
        return await this.#write(step, scope);
      case "find":
        return await this.#find(step, scope);
      case "setting":
        return await this.#setting(scope.statements(step.by));
      case "fail":
        return await caughtIf(step.isCaught, fail(scope.statements(step.by), step.how));
      case "sleep":
        return void (await scope.statements(step.by).query(sleep(step.ms)));
      case "idle":
        return await pause(step.ms);
      case "kill":
        return await this.#killBackend(step.when, scope.statements(step.by));
      case "control":
        return await caughtIf(step.isCaught, scope.statements(step.by).query(step.sql));
      case "increment":
        return await this.#increment(step.counter, scope, step.by);
      case "leak":
        return await this.#leak(step);
      case "block":
        return await this.#block(step, scope);
      case "transaction":
        return await this.#transaction(step, scope);
      case "detached":
        return await this.#detached(step.steps, scope);
      case "together":
        return await this.#together(step.steps, scope);
      case "unawaited":
        this.#later(this.#step(step.step, scope));
        return undefined;
      case "after-commit":
        return await this.#afterCommit(scope.outermost ?? scope.entry);
    }
  }

  async #write({ by, part, lines }: Step & { do: "write" }, scope: Scope): Promise<void> {
    const texts = Array.from({ length: lines }, (_, line) => `${part}/${line}`);
    const entry = inside(scope.entry, newEntry({ parts: [part, ...texts] }));
    this.#written.set(part, entry);
    await this.told(entry, () => scope.statements(by).insert(part, texts));
  }

  async #find({ by, part }: Step & { do: "find" }, scope: Scope): Promise<void> {
    const wasWritten = this.#written.get(part)?.told === "stored";
    const found = await scope.statements(by).find(part);
    if (wasWritten && found === undefined) {
      this.problems.push(`${by} did not see ${part}, which the unit had written.`);
    }
  }

  async #setting(on: Statements): Promise<void> {
    const [row] = await on.query(`select current_setting('${SETTING}', true) as value`);
    const value = row?.["value"] ?? "";
    const own = this.plan.root === "unit" ? this.name : "";
    if (value !== own) {
      this.problems.push(
        `A statement ran with the setting ${JSON.stringify(value)}, not "${own}".`,
      );
    }
  }

  async #killBackend(when: "idle" | "running" | "commit", on: Statements): Promise<void> {
    const [row] = await on.query("select pg_backend_pid() as pid, now()::text as begun");
    const kill = async (): Promise<void> => {
      const isKilled = await this.#kill(Number(row?.["pid"]), String(row?.["begun"]));
      if (isKilled) this.kills += 1;
    };
    if (when === "idle") return await kill();
    if (when === "running") {
      const running = on.query(sleep(400));
      this.#later(running);
      await kill();
      return void (await running);
    }
    await on.query(`insert into audit (note) values ('${SLOW_NOTE}') returning 1 as one`);
    this.#later(pause(60).then(kill));
  }

  async #increment(counter: number, scope: Scope, by: TortureClient): Promise<void> {
    const number = `counter:${counter}`;
    const on = scope.statements(by);
    const total = (await on.find(number))?.total ?? 0;
    const entry = inside(scope.entry, newEntry({ counter }));
    await this.told(entry, () => on.setTotal(number, total + 1));
  }

  async #leak({ by, part }: Step & { do: "leak" }): Promise<void> {
    const taken = await this.#clients[by].take();
    this.#leaked.push(() => taken.release());
    await taken.begin();
    await taken.query(`insert into invoice (number) values ('${part}') returning 1 as one`);
  }

  async #block(step: Step & { do: "block" }, scope: Scope): Promise<void> {
    const { by, throws, isCaught, steps } = step;
    const entry = inside(scope.entry, newEntry());
    const run = async (open: Statements, block?: Block): Promise<void> => {
      const statements = (asked: TortureClient): Statements =>
        asked === by ? open : this.#clients[asked];
      const { outermost = entry } = scope;
      await this.#steps(steps, { statements, entry, outermost, ...(block && { block }) }, throws);
    };
    const whole =
      scope.block === undefined
        ? this.told(entry, () => this.#clients[by].block((block) => run(block, block)))
        : this.told(entry, () => scope.block?.nested((open) => run(open)) ?? Promise.resolve());
    await caughtIf(isCaught, whole);
  }

  async #transaction(step: Step & { do: "transaction" }, scope: Scope): Promise<void> {
    const { propagation, throws, isCaught, steps } = step;
    const entry = inside(scope.entry, newEntry({ isOwn: propagation === "new" }));
    const { outermost = entry } = scope;
    const place = { ...scope, entry, outermost: entry.isOwn ? entry : outermost };
    const whole = this.told(entry, () =>
      transaction({ propagation }, () => this.#steps(steps, place, throws)),
    );
    await caughtIf(isCaught, whole);
  }

  async #detached(steps: readonly Step[], scope: Scope): Promise<void> {
    const entry = inside(scope.entry, newEntry({ isOwn: true }));
    entry.told = "stored";
    await detached(() => this.#steps(steps, { statements: (by) => this.#clients[by], entry }));
  }

  async #together(steps: readonly Step[], scope: Scope): Promise<void> {
    const calls = steps.map((step) => this.#step(step, scope));
    for (const call of calls) this.#later(call);
    await Promise.all(calls);
  }

  async #afterCommit(entry: Entry): Promise<void> {
    const noted = { entry, calls: 0 };
    await afterCommit(() => void (noted.calls += 1));
    this.afterCommits.push(noted);
  }

  #later(call: Promise<unknown>): void {
    this.stragglers.push(call.catch(() => undefined));
  }
}

/** What the unit did, in words, for a report of what went wrong. */
export function saidBy(error: unknown): string {
  return error === undefined ? "resolved" : inWords(error);
}

function inside(around: Entry, entry: Entry): Entry {
  around.inside.push(entry);
  return entry;
}

async function fail(on: Statements, how: "unique" | "division"): Promise<void> {
  if (how === "unique") await on.insert(TAKEN);
  else await on.query("select 1 / 0 as nothing");
}

async function caughtIf(isCaught: boolean, work: Promise<readonly Row[] | void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isCaught) throw error;
  }
}

function sleep(ms: number): string {
  return `select 1 as slept from pg_sleep(${ms / 1000})`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
