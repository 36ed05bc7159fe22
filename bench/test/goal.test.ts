import { describe, expect, it } from "vitest";
import { type Goal, goalText, verdictOn } from "../src/method/goal.ts";

const around = (median: number, spread = 0.02) => ({
  median,
  q25: median - spread,
  q75: median + spread,
  worst: median + 3 * spread,
  rounds: 9,
});

describe("verdictOn", () => {
  it.each<{ title: string; goal: Goal; median: number; control?: number; expected: string }>([
    { title: "at the goal", goal: { atMost: 1.02 }, median: 1.02, expected: "met" },
    { title: "above it", goal: { atMost: 1.02 }, median: 1.2, control: 1, expected: "missed" },
    {
      title: "above it, and not to be told from the base itself",
      goal: { atMost: 1.02 },
      median: 1.03,
      control: 1.01,
      expected: "overlaps A/A",
    },
    {
      title: "as slow as the base where the goal asks for less",
      goal: { atMost: 0.75 },
      median: 1,
      control: 1,
      expected: "missed",
    },
    { title: "enough", goal: { atLeast: 5 }, median: 5.4, control: 1, expected: "met" },
    {
      title: "as fast as the base where the goal asks for more",
      goal: { atLeast: 5 },
      median: 1,
      control: 1,
      expected: "missed",
    },
    {
      title: "a little slower than the base, within the noise",
      goal: { atLeast: 0.95 },
      median: 0.94,
      control: 0.97,
      expected: "overlaps A/A",
    },
    {
      title: "a single round over a goal that holds always",
      goal: { atMost: 20, always: true },
      median: 20,
      expected: "missed",
    },
  ])("$title: $expected", ({ goal, median, control, expected }) => {
    const noise = control === undefined ? undefined : around(control);

    expect(verdictOn(goal, around(median), noise)).toBe(expected);
  });
});

it.each<[Goal, string]>([
  [{ atMost: 1.02 }, "≤ 1.02"],
  [{ atLeast: 5 }, "≥ 5"],
  [{ atMost: 0, always: true }, "≤ 0, always"],
])("%j reads %s", (goal, text) => {
  expect(goalText(goal)).toBe(text);
});
