import { type Dice, diceOf } from "./dice.ts";
import { makeFault } from "./make-fault.ts";
import type { Plan, Step, TortureClient } from "./plan.ts";

/** Rows that all units count up. Few, so that units meet. */
export const COUNTERS = 3;

const CLIENTS: readonly [TortureClient, ...TortureClient[]] = ["pg", "typeorm-1", "prisma-7"];
const CONTROLS: readonly [string, ...string[]] = [
  "commit",
  "rollback",
  "/* by hand */ END",
  "select 1; commit",
  "begin; select 1",
];

/** Where steps are to run. */
interface Place {
  readonly dice: Dice;
  /** The client whose own block is open: only it may be used there. */
  readonly inBlock: TortureClient | undefined;
  readonly inTransaction: boolean;
  readonly depth: number;
  /** Parts that are written by the time that the next step runs, whatever happens. */
  readonly written: string[];
  readonly nextPart: () => string;
}

/** The plan of one unit. */
export function planOf(seed: number, index: number): Plan {
  const dice = diceOf(seed, index);
  let parts = 0;
  const nextPart = (): string => `u${index}:${(parts += 1)}`;
  const root = dice.oneOf<Plan["root"]>([
    [6, () => "transaction"],
    [2, () => "unit"],
    [3, () => "plain"],
  ]);
  const place: Place = {
    dice,
    inBlock: undefined,
    inTransaction: root === "transaction",
    depth: 0,
    written: [],
    nextPart,
  };
  return dice.oneOf<Plan>([
    [50, () => ordinary(index, root, place)],
    [18, () => proxied(index, root, place)],
    [8, () => counting(index, place)],
    [24, () => hostile(index, root, place)],
  ]);
}

function planned(
  index: number,
  root: Plan["root"],
  steps: readonly Step[],
  more: Partial<Plan> = {},
): Plan {
  const plan = { index, clients: "shared", root, options: {}, throws: false, steps } as const;
  return { ...plan, isSure: false, ...more };
}

/** Statements, blocks and units in each other; some fail as services do. */
function ordinary(index: number, root: Plan["root"], place: Place): Plan {
  const { dice } = place;
  const steps = stepsIn(place, dice.between(2, 4));
  const throws = dice.percent(10);
  const autosave = root === "transaction" && dice.percent(10) ? "statement" : "off";
  return planned(index, root, steps, {
    throws,
    options: autosave === "off" ? {} : { autosave },
    isSure: !throws && steps.every(isSure),
  });
}

function proxied(index: number, root: Plan["root"], place: Place): Plan {
  const steps = stepsIn(place, place.dice.between(1, 3));
  const fault = makeFault(place.dice, root);
  const { kind } = fault.action;
  // Where nobody cuts a black hole, the caller has to go away.
  const isEndless = kind === "blackHole" && fault.action.cutAfterMs === undefined;
  return planned(index, root, steps, {
    clients: "proxied",
    fault,
    ...(isEndless ? { abortAfterMs: 300 } : {}),
    isSure: kind === "delay" && steps.every(isSure),
  });
}

/** Transactions that meet on the same rows and are run again. */
function counting(index: number, { dice, nextPart }: Place): Plan {
  const counters = new Set([dice.between(0, COUNTERS - 1)]);
  // In no common order: some of them end in a deadlock, which the server resolves.
  if (dice.percent(30)) counters.add(dice.between(0, COUNTERS - 1));
  const steps: Step[] = [{ do: "write", by: dice.pick(CLIENTS), part: nextPart(), lines: 1 }];
  for (const counter of counters) steps.push({ do: "increment", by: dice.pick(CLIENTS), counter });
  const isolation = dice.pick(["repeatable read", "serializable"] as const);
  const retry = { attempts: dice.between(1, 6), delayMs: 20 };
  return planned(index, "transaction", steps, { options: { isolation, retry } });
}

/** Limits, lost backends, callers who go away, work that nobody awaits, connections that leak. */
function hostile(index: number, root: Plan["root"], place: Place): Plan {
  const { dice, nextPart } = place;
  const by = dice.pick(CLIENTS);
  const before = stepsIn(place, dice.between(1, 2));
  const after = stepsIn(place, 1);
  const inBlock = (steps: readonly Step[]): Step[] => [
    { do: "block", by, throws: false, isCaught: false, steps },
  ];
  const inRoot = (one: Step): Plan =>
    root === "transaction"
      ? planned(index, root, [...before, one, ...after])
      : planned(index, root, inBlock([write(by, nextPart()), one, write(by, nextPart())]));
  const inTransaction = (steps: readonly Step[], more: Partial<Plan> = {}): Plan =>
    planned(index, "transaction", steps, more);

  return dice.oneOf<Plan>([
    [6, () => inRoot({ do: "kill", by, when: dice.pick(["idle", "running"] as const) })],
    [3, () => inTransaction([...before, { do: "kill", by, when: "commit" }])],
    // Outside of a transaction() they are the application's own affair.
    [4, () => inTransaction([...before, control(dice, by), ...after])],
    [4, () => inTransaction([...before, { do: "unawaited", step: step(place) }])],
    [2, () => inTransaction([{ do: "unawaited", step: { do: "sleep", by, ms: 600 } }, ...before])],
    [
      3,
      () =>
        inTransaction([...before, { do: "unawaited", step: step(place) }, ...after], {
          throws: true,
        }),
    ],
    [
      4,
      () =>
        inTransaction([...before, { do: "sleep", by, ms: 150 }, ...after], {
          abortAfterMs: dice.between(0, 120),
        }),
    ],
    [
      2,
      () =>
        inTransaction([...before, { do: "sleep", by, ms: 400 }], {
          options: { statementTimeoutMs: 80 },
        }),
    ],
    [
      3,
      () =>
        inTransaction([...before, { do: "idle", ms: 400 }, ...after], {
          options: { idleTimeoutMs: dice.between(60, 200) },
        }),
    ],
    [
      2,
      () =>
        inTransaction([...before, { do: "sleep", by, ms: 400 }, ...after], {
          options: { timeoutMs: 150 },
        }),
    ],
    [2, () => inTransaction([...before, leak(place), ...after])],
    [2, () => planned(index, "unit", [leak(place)], { clients: "impatient" })],
    [
      3,
      () =>
        planned(index, "plain", inBlock([write(by, nextPart()), { do: "idle", ms: 700 }]), {
          clients: "impatient",
        }),
    ],
    [3, () => planned(index, "plain", [leak(place)], { clients: "impatient" })],
    [
      4,
      () =>
        inTransaction([...before, { do: "detached", steps: [write(by, nextPart())] }], {
          throws: dice.percent(60),
        }),
    ],
    [3, () => inTransaction([...before, inner(place, "new"), ...after])],
    [1, () => inTransaction([...before, stalls(place)])],
  ]);
}

function stepsIn(place: Place, count: number): readonly Step[] {
  const steps = Array.from({ length: count }, () => step(place));
  return place.inBlock === "typeorm-1" ? withoutBlocksBehindFailures(steps) : steps;
}

/**
 * Behind a failed statement TypeORM's SAVEPOINT fails as well, and TypeORM (1.1.1, 0.3.31) then rolls the
 * whole block back, takes it for never begun, and sends what comes next in autocommit: to a driver that
 * looks like a block that was given up on purpose and a statement behind it.
 */
function withoutBlocksBehindFailures(steps: readonly Step[]): readonly Step[] {
  const failure = steps.findIndex((one) => one.do === "fail" && one.isCaught);
  return steps.filter((one, index) => one.do !== "block" || failure === -1 || index < failure);
}

function step(place: Place): Step {
  const { dice, inBlock, inTransaction, depth, written, nextPart } = place;
  const by = inBlock ?? dice.pick(CLIENTS);
  const isDeep = depth >= 3;
  return dice.oneOf<Step>([
    [
      10,
      () => {
        const part = nextPart();
        written.push(part);
        return { ...write(by, part), lines: inBlock === undefined ? dice.between(0, 3) : 0 };
      },
    ],
    [written.length > 0 ? 3 : 0, () => ({ do: "find", by, part: lastOf(written) })],
    [2, () => ({ do: "setting", by })],
    [1, () => ({ do: "sleep", by, ms: dice.between(1, 15) })],
    [1.5, () => failing(dice, by)],
    [isDeep ? 0 : 4, () => block(place, by)],
    [
      isDeep || !inTransaction || inBlock !== undefined ? 0 : 3,
      () => inner(place, dice.percent(75) ? "savepoint" : "join"),
    ],
    [isDeep || inBlock !== undefined ? 0 : 2, () => together(place)],
    [inTransaction && inBlock === undefined ? 1 : 0, () => ({ do: "after-commit" })],
  ]);
}

function write(by: TortureClient, part: string): Step {
  return { do: "write", by, part, lines: 0 };
}

function control(dice: Dice, by: TortureClient): Step {
  return { do: "control", by, sql: dice.pick(CONTROLS), isCaught: dice.percent(50) };
}

function failing(dice: Dice, by: TortureClient): Step {
  const how = dice.percent(50) ? "unique" : "division";
  return { do: "fail", by, how, isCaught: dice.percent(60) };
}

function block(place: Place, by: TortureClient): Step {
  const { dice, depth, written } = place;
  const throws = dice.percent(25);
  // The suite's clients nest a block in a block, and no further.
  const inside = {
    ...place,
    inBlock: by,
    depth: place.inBlock === undefined ? depth + 1 : 3,
    written: [...written],
  };
  const isCaught = throws ? dice.percent(80) : dice.percent(30);
  return { do: "block", by, throws, isCaught, steps: stepsIn(inside, dice.between(1, 3)) };
}

function inner(place: Place, propagation: "savepoint" | "join" | "new"): Step {
  const { dice, depth, written } = place;
  const throws = dice.percent(25);
  // A second connection does not see what the first has not committed.
  const seen = propagation === "new" ? [] : [...written];
  const inside = { ...place, depth: depth + 1, written: seen };
  const steps = stepsIn(inside, dice.between(1, 3));
  return { do: "transaction", propagation, throws, isCaught: dice.percent(80), steps };
}

function together(place: Place): Step {
  const { dice, depth, written } = place;
  // Of what runs at once nobody knows what is written when.
  const inside = { ...place, depth: depth + 1, written: [...written] };
  const steps = Array.from({ length: dice.between(2, 4) }, () =>
    step({ ...inside, written: [...written] }),
  );
  return { do: "together", steps };
}

function leak({ dice, nextPart }: Place): Step {
  return { do: "leak", by: dice.pick(["pg", "typeorm-1"] as const), part: nextPart() };
}

/** A unit that waits for itself: another client's statement while an ORM's block is open. */
function stalls({ nextPart }: Place): Step {
  const steps: readonly Step[] = [write("pg", nextPart()), write("prisma-7", nextPart())];
  return { do: "block", by: "pg", throws: false, isCaught: true, steps };
}

function isSure(one: Step): boolean {
  switch (one.do) {
    case "write":
    case "find":
    case "setting":
    case "sleep":
    case "after-commit":
      return true;
    case "block":
      return one.steps.every(isSure) && (!one.throws || one.isCaught);
    case "transaction": {
      const isAlone = one.propagation === "savepoint";
      return isAlone && one.steps.every(isSure) && (!one.throws || one.isCaught);
    }
    case "together":
      return one.steps.every(isSure);
    default:
      return false;
  }
}

function lastOf(parts: readonly string[]): string {
  return parts.at(-1) ?? "";
}
