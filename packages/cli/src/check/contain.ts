import { Socket } from "node:net";

/** Holds while modules are loaded and judged. */
export interface Containment {
  /** How many connections were refused up to now. */
  readonly refusals: () => number;
  release(): void;
}

const ignore = (): void => {};

const REFUSAL = "`doorpolicy check` does not connect, and refused a connection";

/**
 * Keeps the modules that are judged from acting: connections are refused, `process.exit` throws, and
 * what they print goes to standard error, since standard output belongs to the report.
 *
 * A module that opens its DataSource when it is imported would otherwise run its migrations because
 * somebody linted it.
 */
export function containModules(): Containment {
  const original = {
    // Put back below exactly as it was found.
    connect: Object.getOwnPropertyDescriptor(Socket.prototype, "connect"),
    exit: process.exit.bind(process),
    write: process.stdout.write.bind(process.stdout),
  };
  let refused = 0;

  Socket.prototype.connect = function refuse(this: Socket): Socket {
    refused += 1;
    // As a real refusal: later, and on the socket, so that drivers handle it.
    process.nextTick(() => this.destroy(new Error(REFUSAL)));
    return this;
  };
  process.exit = (code): never => {
    throw new Error(`the module ends the process with code ${code ?? 0}`);
  };
  process.stdout.write = process.stderr.write.bind(process.stderr);
  // Work that a module starts and does not await fails later, when its connection is refused.
  process.on("unhandledRejection", ignore);
  process.on("uncaughtException", ignore);

  return {
    refusals: () => refused,
    release() {
      if (original.connect !== undefined) {
        Object.defineProperty(Socket.prototype, "connect", original.connect);
      }
      process.exit = original.exit;
      process.stdout.write = original.write;
      process.off("unhandledRejection", ignore);
      process.off("uncaughtException", ignore);
    },
  };
}
