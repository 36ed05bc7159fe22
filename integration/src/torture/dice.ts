/** Numbers that a seed decides: the same seed throws the same dice on every machine. */
export interface Dice {
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** True in so many of a hundred throws. */
  percent(chance: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** Makes one of several things, each as often as its weight says. */
  oneOf<Made>(weighted: readonly (readonly [weight: number, make: () => Made])[]): Made;
}

/** The dice of one unit: those of its neighbours have nothing to do with them. */
export function diceOf(seed: number, index: number): Dice {
  let state = mixed(mixed(seed) ^ Math.imul(index + 1, 0x9e37_79b1));

  /** Mulberry32: 32 bits of state, good enough for choices, and a few lines. */
  function next(): number {
    state = (state + 0x6d2b_79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  return {
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    percent: (chance) => next() * 100 < chance,
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    oneOf(weighted) {
      let left = next() * weighted.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, make] of weighted) {
        left -= weight;
        if (left < 0) return make();
      }
      throw new Error("There is nothing to choose from.");
    },
  };
}

/** Spreads what lies close together, such as seeds 1 and 2. */
function mixed(number: number): number {
  let bits = number | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return bits ^ (bits >>> 16);
}
