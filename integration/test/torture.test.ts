import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { closedIn, droppedBecauseOfUs } from "../src/torture/drops.ts";
import { diceOf } from "../src/torture/dice.ts";
import {
  type Entry,
  expect as expectStored,
  newEntry,
  nothingExpected,
  type Told,
} from "../src/torture/ledger.ts";
import { planOf } from "../src/torture/make-plan.ts";

/** Half a minute on a machine that does nothing else. */
const RUN_LIMIT_MS = 120_000;

const RUN = fileURLToPath(new URL("../src/torture/run.ts", import.meta.url));

test(
  "500 units keep every promise, and their process ends by itself",
  async () => {
    const args = ["--import", "tsx", RUN, "--allow-download", "--json"];

    const child = spawn(process.execPath, [...args, "--units", "500", "--seed", "4"]);
    const [said, complained, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);

    const report = JSON.parse(said || "{}");
    assert.deepEqual(report.broken, [], complained);
    assert.equal(code, 0, complained);
    // A run in which everything fails would keep every promise, too.
    assert.equal(report.units, 500);
    assert.ok(report.acknowledged > 200, `${report.acknowledged} units were acknowledged`);
    assert.ok(report.mayDrop > 10 && report.killed > 5, said);
  },
  RUN_LIMIT_MS,
);

describe("a plan", () => {
  test("is a function of seed and index alone", () => {
    const forwards = [0, 1, 2, 3, 4].map((index) => planOf(9, index));

    const backwards = [4, 3, 2, 1, 0].map((index) => planOf(9, index)).toReversed();

    assert.deepEqual(forwards, backwards);
    assert.notDeepEqual(
      forwards,
      [0, 1, 2, 3, 4].map((index) => planOf(10, index)),
    );
  });

  test("names every row once", () => {
    const parts = Array.from({ length: 300 }, (_, index) => partsOf(planOf(3, index)));

    for (const [index, own] of parts.entries()) {
      assert.equal(new Set(own).size, own.length);
      for (const part of own) assert.ok(part.startsWith(`u${index}:`), part);
    }
  });

  test("has every kind of step and of fault somewhere in a thousand", () => {
    const printed = JSON.stringify(Array.from({ length: 1_000 }, (_, index) => planOf(1, index)));

    const kinds = ["write", "find", "setting", "fail", "sleep", "idle", "kill", "control"];
    const scopes = ["increment", "leak", "block", "transaction", "detached", "together"];
    for (const kind of [...kinds, ...scopes, "unawaited", "after-commit"]) {
      assert.ok(printed.includes(`"do":"${kind}"`), kind);
    }
    for (const kind of ["cut", "truncate", "blackHole", "delay"]) {
      assert.ok(printed.includes(`"kind":"${kind}"`), kind);
    }
  });
});

test("dice fall into every number of a range, and into no other", () => {
  const dice = diceOf(1, 2);

  const thrown = new Set(Array.from({ length: 500 }, () => dice.between(3, 9)));

  assert.deepEqual(
    [...thrown].toSorted((one, other) => one - other),
    [3, 4, 5, 6, 7, 8, 9],
  );
});

describe("of what is told follows what is stored", () => {
  const cases: readonly (readonly [string, Entry, object])[] = [
    [
      "a transaction that is stored stores what it was told of",
      scope("stored", [write("a", "stored"), write("b", "undone")]),
      { present: ["a"], absent: ["b"], groups: [] },
    ],
    [
      "one that is undone stores nothing",
      scope("undone", [write("a", "stored"), write("b", "undone")]),
      { present: [], absent: ["a", "b"], groups: [] },
    ],
    [
      "one that nobody knows of stores all or nothing",
      scope("unknown", [
        write("a", "stored"),
        write("b", "undone"),
        scope("stored", [write("c", "stored")]),
        scope("undone", [write("d", "stored")]),
      ]),
      { present: [], absent: ["b", "d"], groups: [["a", "c"]] },
    ],
    [
      "what stands by itself is stored whatever becomes of what is around it",
      scope("undone", [{ ...scope("stored", [write("a", "stored")]), isOwn: true }]),
      { present: ["a"], absent: [], groups: [] },
    ],
    [
      "statements that are stored by themselves are unknown by themselves",
      scope("stored", [write("a", "unknown"), write("b", "unknown")]),
      { present: [], absent: [], groups: [["a"], ["b"]] },
    ],
  ];

  test.each(cases)("%s", (_, entry, wanted) => {
    const expected = nothingExpected();

    expectStored(expected, entry);

    const { present, absent, groups } = expected;
    expect({ present: [...present], absent: [...absent], groups }).toEqual(wanted);
  });
});

test("server connections are counted by what PgBouncer's log says of their end", () => {
  const log = `
2026-01-01 LOG C-0x1: app/app@127.0.0.1:1 closing because: client unexpected eof (age=0s)
2026-01-01 LOG S-0x2: app/app@127.0.0.1:2 closing because: client disconnect while server was not ready (age=1s)
2026-01-01 LOG S-0x3: app/app@127.0.0.1:2 closing because: server conn crashed? (age=1s)
2026-01-01 LOG S-0x4: app/app@127.0.0.1:2 closing because: successfully sent cancel request (age=1s)
`;

  const closed = closedIn(log);

  assert.equal(
    [...closed.values()].reduce((sum, count) => sum + count, 0),
    3,
  );
  assert.equal(droppedBecauseOfUs(closed), 1);
});

function write(part: string, told: Told): Entry {
  return { ...newEntry({ parts: [part] }), told };
}

function scope(told: Told, inside: readonly Entry[]): Entry {
  return { ...newEntry(), told, inside: [...inside] };
}

/** Rows that the steps of a plan write. */
function partsOf(plan: object): readonly string[] {
  const printed = JSON.stringify(plan);
  const written = printed.matchAll(/"do":"(?:write|leak)","by":"[^"]+","part":"(?<part>[^"]+)"/g);
  return [...written].map(({ groups }) => groups?.["part"] ?? "");
}
