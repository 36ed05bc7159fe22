import { describe, expect, it } from "vitest";
import { type Experiment, quotient, value, type Variant } from "../src/method/experiment.ts";
import { measure } from "../src/method/rounds.ts";
import { Servers } from "../src/servers/servers.ts";

const world = { servers: new Servers({ allowDownload: false }), quick: true };

/** A variant that gives the times it is told, one a round, and writes down what happens to it. */
function telling(name: string, times: readonly number[], journal: string[]) {
  return async (): Promise<Variant> => {
    const left = [...times];
    journal.push(`open ${name}`);
    return {
      async run() {
        journal.push(`run ${name}`);
        return { time: left.shift() ?? Number.NaN };
      },
      async [Symbol.asyncDispose]() {
        journal.push(`close ${name}`);
      },
    };
  };
}

function experimentOf(journal: string[]): Experiment {
  return {
    rounds: { full: 3, quick: 3 },
    figures: [
      quotient({ name: "ratio", what: "", goal: { atMost: 2 } }, { ours: "ours", base: "base" }),
      value({ name: "alone", what: "" }, { variant: "other", metric: "time" }),
    ],
    variants: {
      ours: telling("ours", [900, 20, 30, 40], journal),
      base: telling("base", [1, 10, 10, 10], journal),
      other: telling("other", [5, 5, 5, 5], journal),
    },
  };
}

describe("measure", () => {
  it("compares within a round and leaves the first one out", async () => {
    const experiment = experimentOf([]);

    const [measured] = (await measure(experiment, experiment.figures, world, 3)).values();

    expect(measured).toMatchObject({ median: 3, q25: 2.5, q75: 3.5, rounds: 3, verdict: "missed" });
    expect(measured?.control).toMatchObject({ median: 1, q25: 1, q75: 1 });
  });

  it("opens only what is asked for, the base twice, and closes all of it", async () => {
    const journal: string[] = [];
    const experiment = experimentOf(journal);

    await measure(experiment, experiment.figures.slice(0, 1), world, 3);

    const count = (entry: string): number => journal.filter((one) => one === entry).length;
    expect([count("open ours"), count("open base"), count("open other")]).toEqual([1, 2, 0]);
    expect([count("run ours"), count("run base")]).toEqual([4, 8]);
    expect([count("close ours"), count("close base")]).toEqual([1, 2]);
  });

  it("closes what is open when a variant cannot be opened, and says why", async () => {
    const journal: string[] = [];
    const experiment: Experiment = {
      ...experimentOf(journal),
      variants: {
        ours: telling("ours", [], journal),
        base: () => Promise.reject(new Error("no server")),
      },
    };

    await expect(measure(experiment, experiment.figures.slice(0, 1), world, 3)).rejects.toThrow(
      "no server",
    );

    expect(journal).toEqual(["open ours", "close ours"]);
  });
});
