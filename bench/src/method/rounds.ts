import {
  type Experiment,
  type Figure,
  type Round,
  type Sample,
  twinOf,
  type Variant,
  type World,
} from "./experiment.ts";
import { type Goal, type Verdict, verdictOn } from "./goal.ts";
import { rounded, shuffled, summarise, type Summary } from "./statistics.ts";

/** A figure as `results.json` has it. */
export interface Measured extends Summary {
  /** The base against itself, in the same rounds. */
  readonly control?: Summary;
  readonly goal?: Goal;
  readonly verdict?: Verdict;
  readonly unit?: string;
  readonly what: string;
}

/**
 * Runs every variant that the figures need once per round, in an order drawn anew each time, and
 * compares only within a round: on a shared machine the speed of the minute cancels out, and absolute
 * times mean nothing.
 */
export async function measure(
  experiment: Experiment,
  figures: readonly Figure[],
  world: World,
  rounds: number,
): Promise<ReadonlyMap<Figure, Measured>> {
  await using variants = await open(experiment, figures, world);
  const given: Map<string, Sample>[] = [];
  const { warmups = 1 } = experiment;
  for (let number = 0; number < warmups + rounds; number++) {
    const samples = new Map<string, Sample>();
    for (const [name, variant] of shuffled([...variants.opened])) {
      samples.set(name, await variant.run());
    }
    if (number >= warmups) given.push(samples);
  }
  return new Map(figures.map((figure) => [figure, judge(figure, given)]));
}

interface Opened extends AsyncDisposable {
  readonly opened: ReadonlyMap<string, Variant>;
}

async function open(
  { variants }: Experiment,
  figures: readonly Figure[],
  world: World,
): Promise<Opened> {
  const opened = new Map<string, Variant>();
  const close = async (): Promise<void> => {
    for (const variant of opened.values()) await variant[Symbol.asyncDispose]();
  };
  const openAs = async (name: string, key: string): Promise<void> => {
    const opener = variants[key];
    if (opener === undefined) throw new Error(`No variant is named "${key}".`);
    if (!opened.has(name)) opened.set(name, await opener(world));
  };
  try {
    for (const { needs, twin } of figures) {
      for (const key of needs) await openAs(key, key);
      if (twin !== undefined) await openAs(twinOf(twin), twin);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { opened, [Symbol.asyncDispose]: close };
}

function judge(figure: Figure, rounds: readonly ReadonlyMap<string, Sample>[]): Measured {
  const views = rounds.map(
    (samples): Round =>
      (variant) =>
        samples.get(variant) ?? {},
  );
  const values = views.map((round) => figure.of(round));
  const summary = summarise(values);
  const { control: controlOf, goal, unit, what } = figure;
  const control =
    controlOf === undefined ? undefined : summarise(views.map((round) => controlOf(round)));
  const worst = rounded(Math[goal !== undefined && "atLeast" in goal ? "min" : "max"](...values));
  return {
    ...summary,
    ...(control && { control }),
    ...(goal && { goal, verdict: verdictOn(goal, { ...summary, worst }, control) }),
    ...(unit !== undefined && { unit }),
    what,
  };
}
