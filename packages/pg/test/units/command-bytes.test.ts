import pg from "pg";
import { describe, expect, test } from "vitest";

import { bytesOf, keepBytes, SYNC } from "../../src/units/command-bytes.ts";
import { Outbox } from "../../src/units/outbox.ts";
import type { Command } from "../../src/units/wire-batch.ts";

/** A stream that keeps what it is given. */
function makeStream(): { writable: boolean; chunks: Buffer[]; write: (bytes: Buffer) => boolean } {
  const chunks: Buffer[] = [];
  return { writable: true, chunks, write: (bytes) => chunks.push(bytes) > 0 };
}

/** What pg's own `Connection` writes of the same commands. */
function bytesOfPg(commands: readonly Command[]): Buffer {
  const stream = makeStream();
  const connection: unknown = Reflect.construct(pg.Connection, [{ stream }]);
  const call = (name: string, message?: object): unknown =>
    Reflect.apply(Reflect.get(Object(connection), name), connection, [message]);
  for (const { text, values = [] } of commands) {
    call("parse", { text, name: "" });
    call("bind", { portal: "", statement: "", values });
    call("execute", { portal: "" });
  }
  call("sync");
  return Buffer.concat(stream.chunks);
}

describe("the bytes of statements of ours are those that pg writes", () => {
  test.each<[title: string, commands: readonly Command[]]>([
    ["one statement", [{ text: "COMMIT" }]],
    ["several", [{ text: "ROLLBACK TO SAVEPOINT a" }, { text: "RELEASE SAVEPOINT a" }]],
    [
      "bound values, one of them empty",
      [{ text: "BEGIN" }, { text: "select set_config($1,$2,true)", values: ["app.tenant", ""] }],
    ],
    [
      "more bytes than letters",
      [{ text: "select set_config($1,$2,true) -- ü€😀", values: ["app.ü", "€😀\ud800"] }],
    ],
  ])("%s", (_, commands) => {
    expect(Buffer.concat([bytesOf(commands), SYNC])).toEqual(bytesOfPg(commands));
  });

  test("kept ones are the same buffer each time", () => {
    const commands = keepBytes([{ text: "COMMIT" }]);

    expect(bytesOf(commands)).toBe(bytesOf(commands));
  });
});

describe("an outbox", () => {
  test("writes what is small at once, and what is large as it is", () => {
    const [small, large] = [makeStream(), makeStream()];
    const [few, many] = [new Outbox(small), new Outbox(large)];

    few.write(SYNC);
    few.write(SYNC);
    few.send();
    many.write(SYNC);
    many.write(Buffer.alloc(20_000));
    many.send();

    expect(small.chunks).toEqual([Buffer.concat([SYNC, SYNC])]);
    expect(large.chunks.map(({ length }) => length)).toEqual([5, 20_000]);
  });

  test("writes nothing to a stream that takes nothing any more", () => {
    const stream = { ...makeStream(), writable: false };
    const outbox = new Outbox(stream);

    outbox.write(SYNC);
    outbox.send();

    expect(stream.chunks).toEqual([]);
  });
});
