import { describe, expect, test } from "vitest";

import {
  mayControlTransaction,
  type TransactionAct,
  transactionControlsIn,
} from "../../src/sql/transaction-control.ts";

const begin = (modes = {}): TransactionAct => ({ kind: "begin", modes });
const commit = (chain = false): TransactionAct => ({ kind: "commit", chain });
const rollback = (chain = false): TransactionAct => ({ kind: "rollback", chain });
const savepoint = (name: string): TransactionAct => ({ kind: "savepoint", name });

const cases: readonly (readonly [text: string, ...acts: TransactionAct[]])[] = [
  ["begin", begin()],
  ["BEGIN;", begin()],
  ["Begin Work", begin()],
  ["begin transaction", begin()],
  ["/* a /* b */ */ begin", begin()],
  ["-- a\nBEGIN", begin()],
  ["; ;begin", begin()],
  ["start transaction", begin()],
  ["START TRANSACTION ISOLATION LEVEL SERIALIZABLE", begin({ isolation: "serializable" })],
  ["begin isolation level repeatable read", begin({ isolation: "repeatable read" })],
  ["begin isolation level read committed", begin({ isolation: "read committed" })],
  ["begin isolation level read uncommitted", begin({ isolation: "read uncommitted" })],
  ["begin read only", begin({ readOnly: true })],
  ["begin read write", begin({ readOnly: false })],
  ["begin not deferrable", begin({ deferrable: false })],
  [
    "begin work isolation level serializable, read only deferrable",
    begin({ isolation: "serializable", readOnly: true, deferrable: true }),
  ],
  ["begin read only, read write", begin({ readOnly: false })],
  ["commit", commit()],
  ["COMMIT WORK", commit()],
  ["end", commit()],
  ["End Transaction", commit()],
  ["commit and chain", commit(true)],
  ["end work and no chain", commit()],
  ["rollback", rollback()],
  ["abort work", rollback()],
  ["abort and chain", rollback(true)],
  ["rollback transaction and chain", rollback(true)],
  ["savepoint A", savepoint("a")],
  ['savepoint "A b"', savepoint("A b")],
  ['savepoint "a""b"', savepoint('a"b')],
  ['savepoint U&"\\0061\\+000062\\\\"', savepoint("ab\\")],
  ["savepoint u&\"!d83d!de00\" uescape '!'", savepoint("😀")],
  ["savepoint Ä", savepoint("Ä")],
  // 63 bytes are kept, and whole characters.
  [`savepoint ${"a".repeat(64)}`, savepoint("a".repeat(63))],
  [`savepoint "${"ä".repeat(32)}"`, savepoint("ä".repeat(31))],
  ["savepoint savepoint", savepoint("savepoint")],
  ["release savepoint a", { kind: "release", name: "a" }],
  ["release a", { kind: "release", name: "a" }],
  ["release savepoint", { kind: "release", name: "savepoint" }],
  ["rollback to a", { kind: "rollback-to", name: "a" }],
  ["rollback work to savepoint a", { kind: "rollback-to", name: "a" }],
  ["rollback to savepoint", { kind: "rollback-to", name: "savepoint" }],
  ["prepare transaction 'a'", { kind: "prepare-transaction" }],
  ["prepare transaction U&'a' uescape '!'", { kind: "prepare-transaction" }],
  ["commit prepared $$a$$", { kind: "commit-prepared" }],
  ["rollback prepared E'a'", { kind: "rollback-prepared" }],
  ["set transaction read only", { kind: "set-transaction", modes: { readOnly: true } }],
  [
    "set local transaction isolation level serializable",
    { kind: "set-transaction", modes: { isolation: "serializable" } },
  ],
  ["set session transaction deferrable", { kind: "set-transaction", modes: { deferrable: true } }],
  ["set transaction snapshot 'a'", { kind: "set-transaction", modes: {} }],
  ["begin; select 1; commit", begin(), commit()],
  ["select 1; commit", commit()],
  ["commit;begin", commit(), begin()],
  ["create function f() begin atomic select 1; end; end", commit()],
  [""],
  ["select 1"],
  ["select 1; select 2"],
  ["select 'begin'"],
  ["select 'a; commit;'"],
  ["select 1 -- ; commit"],
  ["select 1 /* ; commit; */"],
  ["'begin'"],
  ['"begin"'],
  ["(begin)"],
  ["begins"],
  ["$1"],
  ["do $$ begin commit; end $$"],
  ["select case when a then b end from c"],
  ["call p()"],
  ["create function f() begin atomic select 1; end"],
  ["prepare transaction as select 1"],
  ["prepare transaction (int) as select $1"],
  ["prepare a as select 1"],
  ["set transaction = 1"],
  ["set transaction to 1"],
  ["set transaction.a = 1"],
  ["set transaction_read_only = on"],
  ["set session characteristics as transaction read only"],
  ["set a = b"],
  ["start_replication"],
  ["begi\u212a"],
];

describe("what a text does to the transaction", () => {
  for (const [text, ...expected] of cases) {
    test(JSON.stringify(text), () => {
      const controls = Array.from(
        transactionControlsIn(text),
        ({ statement: _statement, ...act }) => act,
      );

      expect(controls).toEqual(expected.map((act) => ({ ...act, isUnderstood: true })));
    });
  }
});

describe("what PostgreSQL would refuse is still seen, and said to be not understood", () => {
  const refused: readonly (readonly [text: string, act: TransactionAct])[] = [
    ["begin now", begin()],
    ["begin read only,", begin({ readOnly: true })],
    ["begin isolation serializable", begin({ isolation: "serializable" })],
    ["commit and", commit(true)],
    ["commit prepared a", { kind: "commit-prepared" }],
    ["commit 1", commit()],
    ["savepoint", savepoint("")],
    ["savepoint 'a'", savepoint("")],
    ['savepoint "a', savepoint("")],
    ['savepoint U&"\\00"', savepoint("")],
    ["savepoint U&\"a\" uescape '0'", savepoint("")],
    ["rollback to", { kind: "rollback-to", name: "" }],
    ["set transaction", { kind: "set-transaction", modes: {} }],
  ];
  for (const [text, act] of refused) {
    test(JSON.stringify(text), () => {
      const controls = Array.from(
        transactionControlsIn(text),
        ({ statement: _statement, ...rest }) => rest,
      );

      expect(controls).toEqual([{ ...act, isUnderstood: false }]);
    });
  }
});

describe("an ordinary text is told by its first word and its semicolons", () => {
  const looks: readonly (readonly [text: string, mayControl: boolean])[] = [
    ["select * from users where id = $1", false],
    ["select 1;", false],
    ["select 1 ; ; \n", false],
    ["select ';'", true],
    ["select 1; commit", true],
    ["update t set a = 1", false],
    ["/* traceparent='00-a;b' */ select 1", true],
    ["/* a */ commit", true],
    ["set a = 1", true],
    ["(select 1)", false],
    ["", false],
  ];
  for (const [text, expected] of looks) {
    test(`${JSON.stringify(text)}: ${expected ? "a closer look" : "no"}`, () => {
      expect(mayControlTransaction(text)).toBe(expected);
    });
  }
});

test("a statement that controls the transaction says where it stands and whether it stands alone", () => {
  const [first, second] = transactionControlsIn("/* a */ begin work /* b */; select 1; commit;");
  const [alone] = transactionControlsIn(" begin read only ; -- a");

  expect(first?.statement).toMatchObject({ index: 0, start: 8, end: 18, isOnly: false });
  expect(second?.statement).toMatchObject({ index: 2, start: 38, end: 44, isOnly: false });
  expect(alone?.statement).toMatchObject({ index: 0, start: 1, end: 16, isOnly: true });
});
