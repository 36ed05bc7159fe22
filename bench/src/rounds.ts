/** Something that is timed: `run` does one round's work, and what it needs stands before and falls after. */
export interface Variant {
  readonly label: string;
  run(): Promise<void>;
  close(): Promise<void>;
}

/** A named quotient of two variants that were timed next to each other, round by round. */
export interface Ratio {
  /** Stable: `bench/results.json` and the README quote it. */
  readonly name: string;
  readonly what: string;
  open(world: World): Promise<{ readonly ours: Variant; readonly base: Variant }>;
}

interface World {
  readonly pooledUrl: string;
}

export interface Summary {
  readonly median: number;
  readonly q25: number;
  readonly q75: number;
  readonly rounds: number;
}

/**
 * Times both variants in every round, in an order that changes from round to round, and compares
 * them only within a round: on a shared machine the speed of the minute cancels out, and absolute
 * times mean nothing.
 */
export async function measure(
  ours: Variant,
  base: Variant,
  rounds: number,
): Promise<{ readonly ratio: Summary; readonly control: Summary }> {
  const quotients: number[] = [];
  const controls: number[] = [];
  await ours.run();
  await base.run();
  for (let round = 0; round < rounds; round++) {
    // The base runs twice: its quotient with itself is the A/A control, what this machine calls 1.
    const order = round % 2 === 0 ? [base, ours, base] : [ours, base, base];
    const times: number[] = [];
    for (const variant of order) {
      const start = process.hrtime.bigint();
      await variant.run();
      times.push(Number(process.hrtime.bigint() - start));
    }
    const [first = 1, second = 1, third = 1] = times;
    const [own, one, two] = round % 2 === 0 ? [second, first, third] : [first, second, third];
    quotients.push(own / one);
    controls.push(two / one);
  }
  return { ratio: summarise(quotients), control: summarise(controls) };
}

function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3));
  return { median: at(0.5), q25: at(0.25), q75: at(0.75), rounds: values.length };
}
