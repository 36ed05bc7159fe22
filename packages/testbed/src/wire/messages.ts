/** One message of the server: its type letter and what follows the length. */
export interface ServerMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** A message of the client: a type letter (none for the startup packet), its length, its body. */
export function clientMessage(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? cstring(part) : part)),
  );
  return Buffer.concat([Buffer.from(type, "latin1"), int32(body.length + 4), body]);
}

/** Protocol 3.0 and the parameters by name. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flat();
  return clientMessage("", int32(196_608), ...pairs, Buffer.of(0));
}

/** `SSLRequest`; the answer is the single byte `S` or `N`. */
export const sslRequest: Buffer = clientMessage("", Buffer.from([0x04, 0xd2, 0x16, 0x2f]));

/** Text with the zero byte that ends it. */
export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** Four bytes, big-endian. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Cuts a byte stream into messages; keeps what is not whole yet for the next chunk. */
export function messageReader(): (chunk: Buffer) => ServerMessage[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: ServerMessage[] = [];
    while (rest.length >= 5) {
      const end = 1 + rest.readInt32BE(1);
      if (rest.length < end) break;
      messages.push({ type: rest.toString("latin1", 0, 1), body: rest.subarray(5, end) });
      rest = rest.subarray(end);
    }
    return messages;
  };
}

/** Column names of a `RowDescription`. */
export function columnNames(body: Buffer): string[] {
  const names: string[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const end = body.indexOf(0, at);
    names.push(body.toString("utf8", at, end));
    // Table, column, type, size, modifier and format follow the name.
    at = end + 19;
  }
  return names;
}

/** Values of a `DataRow`, as text. */
export function rowValues(body: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : body.toString("utf8", at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}

/** Fields of an `ErrorResponse` by their letter: `S`everity, `C`ode, `M`essage, `D`etail. */
export function errorFields(body: Buffer): Record<string, string> {
  const parts = body
    .toString("utf8")
    .split("\0")
    .filter((part) => part !== "");
  return Object.fromEntries(parts.map((part) => [part.slice(0, 1), part.slice(1)]));
}
