import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A server's log: a file, so that a Node process that is busy or stopped never blocks the server. */
export interface LogFile {
  /** Handed to the child as its stdout and stderr. */
  readonly fd: number;
  /** Bytes written so far, by this and earlier runs of the server. */
  size(): number;
  /** What was written between two sizes. */
  read(from: number, to?: number): string;
  close(): void;
}

/** Opens a log for appending; a restarted server goes on in the same file. Once closed it is empty. */
export function openLog(path: string): LogFile {
  const fd = openSync(path, "a+", 0o644);
  let open = true;
  const size = (): number => (open ? fstatSync(fd).size : 0);
  return {
    fd,
    size,
    read(from, to = size()) {
      const bytes = Buffer.alloc(Math.max(0, to - from));
      const length = bytes.length === 0 ? 0 : readSync(fd, bytes, 0, bytes.length, from);
      return bytes.toString("utf8", 0, length);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
