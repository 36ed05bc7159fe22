import type pg from "pg";

/** What pg's connection has for COPY; its types do not say so. */
interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** A query object as `client.query()` takes it: it is told of every message that concerns it. */
abstract class CopyQuery {
  readonly done: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};
  readonly #sql: string;

  constructor(sql: string) {
    this.#sql = sql;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#sql);
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleCommandComplete(): void {}
  handleCopyInResponse(_connection: CopyConnection): void {}
  handleCopyData(_message: { chunk: Buffer }): void {}
}

/** `COPY … FROM STDIN`: each line in a `CopyData` of its own. */
export async function copyIn(
  client: pg.Client,
  sql: string,
  lines: readonly string[],
): Promise<void> {
  class CopyIn extends CopyQuery {
    override handleCopyInResponse(connection: CopyConnection): void {
      for (const line of lines) connection.sendCopyFromChunk(Buffer.from(line));
      connection.endCopyFrom();
    }
  }
  await client.query(new CopyIn(sql)).done;
}

/** `COPY … TO STDOUT`: everything that came. */
export async function copyOut(client: pg.Client, sql: string): Promise<string> {
  const chunks: Buffer[] = [];
  class CopyOut extends CopyQuery {
    // pg reads the next packet into the same memory.
    override handleCopyData({ chunk }: { chunk: Buffer }): void {
      chunks.push(Buffer.from(chunk));
    }
  }
  await client.query(new CopyOut(sql)).done;
  return Buffer.concat(chunks).toString();
}
