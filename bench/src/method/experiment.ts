import type { Servers } from "../servers/servers.ts";
import type { Goal } from "./goal.ts";

/** What one run of a variant gave, by name: `time` per statement, `cpu`, `p99` … */
export type Sample = Readonly<Record<string, number>>;

/** One of the things that are compared. What it needs is opened before the rounds and closed after. */
export interface Variant extends AsyncDisposable {
  /** One round's work. */
  run(): Promise<Sample>;
}

/** What the variants of one round gave. */
export type Round = (variant: string) => Sample;

/** A number with a stable name, made of what variants gave in the same round. */
export interface Figure {
  /** Stable: `results.json` and the README quote it. */
  readonly name: string;
  /** What is divided by what, for a reader of the table. */
  readonly what: string;
  readonly goal?: Goal;
  /** Of what is not a ratio: what it counts. */
  readonly unit?: string;
  /** Variants that have to run for it. */
  readonly needs: readonly string[];
  /** The variant that is opened a second time, for the A/A control. */
  readonly twin?: string;
  readonly of: (round: Round) => number;
  /** The same with the twin in place of ours: what this machine calls 1. */
  readonly control?: (round: Round) => number;
}

export interface World {
  readonly servers: Servers;
  /** Fewer rounds, and shorter ones where a round is a span of time. */
  readonly quick: boolean;
}

/** Variants that are run next to each other, and what is made of it. */
export interface Experiment {
  readonly figures: readonly Figure[];
  readonly rounds: { readonly full: number; readonly quick: number };
  /** Rounds that are run first and not counted, until code is compiled and pools are open. @default 1 */
  readonly warmups?: number;
  /** Why it cannot run here; `undefined` when it can. */
  readonly skips?: () => string | undefined;
  /** Each is opened only when a figure that was asked for needs it. */
  readonly variants: Readonly<Record<string, (world: World) => Promise<Variant>>>;
}

/** The second opening of a variant. */
export function twinOf(variant: string): string {
  return `${variant}, again`;
}

interface Naming {
  readonly name: string;
  readonly what: string;
  readonly goal?: Goal;
  readonly unit?: string;
}

interface Parts {
  readonly ours: string;
  readonly base: string;
  /** @default "time" */
  readonly metric?: string;
}

/** `ours` divided by `base`, with the base's twin divided by the base as its control. */
export function quotient(naming: Naming, parts: Parts): Figure {
  const { base, metric = "time" } = parts;
  const control = (round: Round): number =>
    metricOf(round(twinOf(base)), metric) / metricOf(round(base), metric);
  return { ...uncontrolled(naming, parts), twin: base, control };
}

/** The same without a control: for what is only reported, and whose base is dear to run twice. */
export function uncontrolled(naming: Naming, { ours, base, metric = "time" }: Parts): Figure {
  return {
    ...naming,
    needs: [ours, base],
    of: (round) => metricOf(round(ours), metric) / metricOf(round(base), metric),
  };
}

/** A number of one variant as it is. */
export function value(naming: Naming, of: { variant: string; metric: string }): Figure {
  return {
    ...naming,
    needs: [of.variant],
    of: (round) => metricOf(round(of.variant), of.metric),
  };
}

export function metricOf(sample: Sample, metric: string): number {
  const found = sample[metric];
  if (found === undefined) throw new Error(`A variant gave no \`${metric}\`.`);
  return found;
}
