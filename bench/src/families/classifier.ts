import { EffectCache, effectsOf } from "@doorpolicy/core";
import { loadModule, parseSync } from "libpg-query";
import { collectGarbage } from "../load/collect-garbage.ts";
import { type Experiment, quotient, type Variant } from "../method/experiment.ts";
import { fresh, SHORT } from "./statement-texts.ts";

const RUNS = { rounds: { full: 41, quick: 5 }, warmups: 4 };

/** A thousand rows of five values, literals in the text: 36 kB. */
const INSERT = ((): string => {
  const rows = Array.from(
    { length: 1000 },
    (_, i) => `(${i}, 'name ${i}', 'a@b.de', ${i}.5, NULL)`,
  );
  return `INSERT INTO invoice (id, name, mail, amount, note) VALUES ${rows.join(", ")}`;
})();

/** A text that is new each time, as ORMs build them: nothing is known of it, not even its hash. */
const newTexts =
  (text: string) =>
  (count: number): readonly string[] => {
    const bytes = Buffer.from(text);
    return Array.from({ length: count }, () => bytes.toString("latin1"));
  };

interface Work {
  readonly texts: (count: number) => readonly string[];
  readonly count: number;
}

/** Microseconds for each text. */
async function timed(read: (text: string) => unknown, { count, texts }: Work): Promise<Variant> {
  await loadModule();
  return {
    async run() {
      const batch = texts(count);
      collectGarbage();
      const start = performance.now();
      for (const text of batch) read(text);
      return { time: ((performance.now() - start) * 1000) / count };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Read by ours, and parsed by PostgreSQL's own parser; ours has more to do in a round, being so short. */
const against = (
  name: string,
  what: string,
  goal: number,
  { ours, work }: { readonly ours: (text: string) => unknown; readonly work: Work },
): Experiment => ({
  ...RUNS,
  figures: [
    quotient(
      {
        name: `classifier.${name}`,
        what: `time, effects of a text / libpg_query's parse of it: ${what}`,
        goal: { atMost: goal },
      },
      { ours: "effects", base: "parse" },
    ),
  ],
  variants: {
    effects: () => timed(ours, { ...work, count: work.count * 10 }),
    parse: () => timed(parseSync, work),
  },
});

const cache = new EffectCache();

const MEGABYTE = 1 << 20;

/** A text of so many characters, and one that no glance decides: a comment stands in it. */
const long = (megabytes: number) =>
  newTexts(
    INSERT.slice(0, 69) +
      "/**/" +
      INSERT.slice(69).repeat(Math.ceil((megabytes * MEGABYTE) / INSERT.length)),
  );

/** Microseconds for each character of the one, divided by that of the other. */
const linear: Experiment = {
  rounds: { full: 21, quick: 7 },
  figures: [
    quotient(
      {
        name: "classifier.linear",
        what: "time for a character, text of 10 MB / of 1 MB, each token read",
        goal: { atMost: 1.25 },
      },
      { ours: "long", base: "short" },
    ),
  ],
  variants: {
    long: async () => perCharacter(await timed(effectsOf, { texts: long(10), count: 1 }), 10),
    short: async () => perCharacter(await timed(effectsOf, { texts: long(1), count: 10 }), 1),
  },
};

function perCharacter(variant: Variant, megabytes: number): Variant {
  return {
    async run() {
      const { time = 0 } = await variant.run();
      return { time: time / megabytes };
    },
    [Symbol.asyncDispose]: () => variant[Symbol.asyncDispose](),
  };
}

/** What it costs to know what a statement does to its session. */
export const classifier: readonly Experiment[] = [
  against("repeated", "the same text again and again", 0.03, {
    ours: (text) => cache.effectsOf(text),
    work: { texts: (count) => Array.from({ length: count }, () => SHORT), count: 200 },
  }),
  against("fresh1k", "1 kB of text, made anew each time, nothing kept", 0.06, {
    ours: effectsOf,
    work: { texts: fresh, count: 40 },
  }),
  against("insert36k", "1000 rows of five values", 0.11, {
    ours: effectsOf,
    work: { texts: newTexts(INSERT), count: 2 },
  }),
  linear,
];
