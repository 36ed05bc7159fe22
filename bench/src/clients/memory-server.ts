import { Duplex } from "node:stream";

/** Length of type byte and length together. */
const HEADER = 5;

const AUTHENTICATION_OK = message("R", Buffer.from([0, 0, 0, 0]));
const READY = message("Z", Buffer.from("I"));
const STARTED = Buffer.concat([
  AUTHENTICATION_OK,
  message("S", Buffer.from("server_version\x0017.10\0")),
  message("K", Buffer.alloc(8, 1)),
  READY,
]);
const PARSED = message("1");
const BOUND = message("2");
/** One column `n` of type int4, as text. */
const DESCRIBED = message(
  "T",
  Buffer.concat([Buffer.from([0, 1]), Buffer.from("n\0"), columnOf(23)]),
);
const ROW = message("D", Buffer.from([0, 1, 0, 0, 0, 1, 0x31]));
const COMPLETED = message("C", Buffer.from("SELECT 1\0"));
const ANSWERED = Buffer.concat([DESCRIBED, ROW, COMPLETED, READY]);

/**
 * A server without a socket: answers every statement of the simple and the extended protocol with one
 * row, from bytes made beforehand, so that only the CPU time of the client is left to be measured.
 *
 * Given to node-postgres as `stream`; behaves like a `net.Socket` as far as it asks.
 */
export class MemoryServer extends Duplex {
  #started = false;
  #answer: Buffer[] = [];

  connect(): this {
    process.nextTick(() => this.emit("connect"));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    let at = 0;
    if (!this.#started) {
      this.#started = true;
      this.#answer.push(STARTED);
      at = chunk.readInt32BE(0);
    }
    while (at + HEADER <= chunk.length) {
      this.#meet(chunk[at]);
      at += 1 + chunk.readInt32BE(at + 1);
    }
    this.#send();
    done();
  }

  override _final(done: () => void): void {
    done();
    this.push(null);
  }

  #meet(type: number | undefined): void {
    const answer = ANSWERS.get(type ?? 0);
    if (answer !== undefined) this.#answer.push(answer);
  }

  #send(): void {
    if (this.#answer.length === 0) return;
    const [first, ...others] = this.#answer;
    const bytes = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#answer);
    this.#answer = [];
    // Never while the client is still writing: no socket answers that fast.
    process.nextTick(() => this.push(bytes));
  }
}

const ANSWERS: ReadonlyMap<number, Buffer> = new Map(
  Object.entries({
    Q: ANSWERED,
    P: PARSED,
    B: BOUND,
    D: DESCRIBED,
    E: Buffer.concat([ROW, COMPLETED]),
    S: READY,
  }).map(([type, answer]) => [type.charCodeAt(0), answer]),
);

function message(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEADER);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** What a RowDescription says of a column behind its name. */
function columnOf(type: number): Buffer {
  const column = Buffer.alloc(18);
  column.writeInt32BE(type, 6);
  column.writeInt16BE(4, 10);
  column.writeInt32BE(-1, 12);
  return column;
}
