/** Median and quartiles of one number per round. */
export interface Summary {
  readonly median: number;
  readonly q25: number;
  readonly q75: number;
  readonly rounds: number;
}

/** The value below which `share` of the values lie, between the two nearest ones; `NaN` of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Three digits behind the point, and more where a value is small: 0.0123. */
export function rounded(value: number): number {
  return Number(Math.abs(value) < 0.1 ? value.toPrecision(3) : value.toFixed(3));
}

export function summarise(values: readonly number[]): Summary {
  return {
    median: rounded(quantile(values, 0.5)),
    q25: rounded(quantile(values, 0.25)),
    q75: rounded(quantile(values, 0.75)),
    rounds: values.length,
  };
}

/** The same values in another order, every order being as likely (Fisher and Yates). */
export function shuffled<Value>(values: readonly Value[]): Value[] {
  const left = [...values];
  const result: Value[] = [];
  while (left.length > 0) {
    result.push(...left.splice(Math.floor(Math.random() * left.length), 1));
  }
  return result;
}
