import type { Command } from "./wire-batch.ts";

/** Parse, Bind and Execute: the messages of one statement, its code each. */
const PARSE = 0x50;
const BIND = 0x42;
const EXECUTE = 0x45;
const HEADER = 5;

/** What ends a batch. */
export const SYNC: Buffer = Buffer.from([0x53, 0, 0, 0, 4]);

/** Of commands that are sent again and again: they are the same bytes each time. */
const kept = new WeakMap<readonly Command[], Buffer>();

/** Marks commands that live as long as the process or a connection, so that their bytes are made once. */
export function keepBytes(commands: readonly Command[]): readonly Command[] {
  kept.set(commands, bytesOf(commands));
  return commands;
}

/**
 * The messages of statements of ours: unnamed, with bound text values, without Describe, since nobody reads
 * their rows, and without the Sync. Written here because pg's `Connection` makes three buffers of each.
 * Layout: [message formats](https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */
export function bytesOf(commands: readonly Command[]): Buffer {
  const known = kept.get(commands);
  if (known !== undefined) return known;
  let size = 0;
  for (const command of commands) size += sizeOf(command);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const command of commands) at = write(bytes, at, command);
  return bytes;
}

const NOTHING: readonly string[] = [];

function sizeOf({ text, values = NOTHING }: Command): number {
  let size = parseSize(text) + bindSize(values) + HEADER + 5;
  for (const value of values) size += Buffer.byteLength(value);
  return size;
}

/** An empty name, the text, no parameter types. */
function parseSize(text: string): number {
  return HEADER + 1 + Buffer.byteLength(text) + 1 + 2;
}

/** Without the values themselves: two empty names, a format and a length of each, one format of all results. */
function bindSize(values: readonly string[]): number {
  return HEADER + 2 + 2 + 2 * values.length + 2 + 4 * values.length + 2 + 2;
}

function write(bytes: Buffer, start: number, { text, values = NOTHING }: Command): number {
  let at = writeHeader(bytes, start, PARSE, parseSize(text));
  at = bytes.writeUInt8(0, at);
  at += bytes.write(text, at);
  at = bytes.writeUInt8(0, at);
  at = bytes.writeUInt16BE(0, at);

  const bind = at;
  at += HEADER;
  at = bytes.writeUInt16BE(0, at);
  at = bytes.writeUInt16BE(values.length, at);
  for (let left = values.length; left > 0; left--) at = bytes.writeUInt16BE(0, at);
  at = bytes.writeUInt16BE(values.length, at);
  for (const value of values) {
    const length = bytes.write(value, at + 4);
    bytes.writeInt32BE(length, at);
    at += 4 + length;
  }
  at = bytes.writeUInt16BE(1, at);
  at = bytes.writeUInt16BE(0, at);
  writeHeader(bytes, bind, BIND, at - bind);

  at = writeHeader(bytes, at, EXECUTE, HEADER + 5);
  at = bytes.writeUInt8(0, at);
  return bytes.writeInt32BE(0, at);
}

/** `size`: of the whole message; its length on the wire leaves the code out. */
function writeHeader(bytes: Buffer, at: number, code: number, size: number): number {
  return bytes.writeInt32BE(size - 1, bytes.writeUInt8(code, at));
}
