import assert from "node:assert/strict";
import { type Explanation, explainError } from "@doorpolicy/core";
import type { OpenClient } from "../../client.ts";
import { eventually, within } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";

/** One write that its writer was told had failed. */
interface Failure {
  readonly note: string;
  readonly error: unknown;
  readonly explanation: Explanation | undefined;
}

/** What writers were told of their writes, while something happened to the servers. */
export interface Account {
  readonly acknowledged: readonly string[];
  readonly failures: readonly Failure[];
}

/** How a scenario lets others write meanwhile. */
export interface Writing {
  /** What happens to the servers. Writers write before it, through it, and until each has succeeded after it. */
  readonly while: () => Promise<void>;
  /** How long a writer may take to succeed after it, in milliseconds. */
  readonly recoversWithinMs: number;
  /** @default 4 */
  readonly writers?: number;
}

const WRITERS = 4;

/** Before something happens, so many writes have worked. */
const WARM = 8;

/**
 * Writers that go on through a fault, each write a statement of its own or a block by turns, and never the
 * same one twice. Nothing but the policy tries anything again.
 */
export async function writeThrough(
  db: OpenClient,
  { while: fault, recoversWithinMs, writers = WRITERS }: Writing,
): Promise<Account> {
  const acknowledged: string[] = [];
  const failures: Failure[] = [];
  let isOver = false;
  const givenUp = new AbortController();

  async function write(note: string, isInBlock: boolean): Promise<boolean> {
    const text = `insert into audit (note) values ('${note}') returning id`;
    try {
      await (isInBlock ? db.block((inside) => inside.query(text)) : db.query(text));
      acknowledged.push(note);
      return true;
    } catch (error) {
      failures.push({ note, error, explanation: explainError(error) });
      return false;
    }
  }

  async function keepWriting(writer: number): Promise<void> {
    for (let turn = 0, hasRecovered = false; !hasRecovered && !givenUp.signal.aborted; turn += 1) {
      const isAfter = isOver;
      const isStored = await write(`${writer}-${turn}`, turn % 2 === 1);
      hasRecovered = isAfter && isStored;
      // A writer who is refused at once would do nothing else.
      if (!isStored) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const writing = Array.from({ length: writers }, (_, writer) => keepWriting(writer));
  const all = Promise.all(writing);
  all.catch(() => {});
  try {
    await eventually(() => assert.ok(acknowledged.length >= WARM, "Nobody can write."));
    await fault();
    isOver = true;
    await within(recoversWithinMs, "Every writer has succeeded again", all);
  } finally {
    // Plain clients that never recover would go on for as long as the run does.
    givenUp.abort();
  }
  return { acknowledged, failures };
}

/**
 * Asks Postgres itself: every acknowledged write is there, none is there twice, and none of which its writer
 * was told that the database never saw it, or that it has been undone.
 */
export async function judge(
  server: RunningServer,
  { acknowledged, failures }: Account,
): Promise<void> {
  const rows = await server.rows("select note, count(*)::int as times from audit group by note");
  const stored = new Map(rows.map((row) => [String(row["note"]), Number(row["times"])]));

  const twice = [...stored].filter(([, times]) => times !== 1).map(([note]) => note);
  assert.deepEqual(twice, [], "Writes are stored twice.");
  const lost = acknowledged.filter((note) => !stored.has(note));
  assert.deepEqual(lost, [], "Acknowledged writes are lost.");
  const denied = failures.filter(
    ({ note, explanation }) =>
      stored.has(note) && ["yes", "whole-transaction"].includes(explanation?.retryable ?? ""),
  );
  assert.deepEqual(kindsOf(denied), [], "Writes are stored that were said to be undone.");
  const unexplained = failures.filter(({ explanation }) => explanation === undefined);
  assert.deepEqual(
    unexplained.map(({ error }) => String(error)),
    [],
    "Nobody explains it.",
  );
}

/** Of a message: which faults there were. */
export function kindsOf(failures: Account["failures"]): readonly string[] {
  return [...new Set(failures.map(({ explanation }) => explanation?.kind ?? "not explained"))];
}
