import { isatty } from "node:tty";

import pc from "picocolors";

/** Paints text, or leaves it alone where colour is not wanted. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Writes to standard output and waits until it is out: `check` ends the process right afterwards. */
export function print(text: string): Promise<void> {
  return write(process.stdout, text);
}

/** Writes to standard error and waits until it is out. */
export function complain(text: string): Promise<void> {
  return write(process.stderr, text);
}

/**
 * Colours for one stream: only a terminal gets them, so that a report in a file or a log is plain.
 * `NO_COLOR` and `FORCE_COLOR` are obeyed.
 */
export function colorsFor(stream: NodeJS.WriteStream & { readonly fd: number }): Colors {
  const forced = process.env["FORCE_COLOR"];
  if (forced !== undefined) return pc.createColors(forced !== "0");
  // `isTTY` is undefined for a pipe, and then picocolors would ask the environment: CI is colour to it.
  return pc.createColors(isatty(stream.fd) && process.env["NO_COLOR"] === undefined);
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (text === "") return Promise.resolve();
  return new Promise((resolve) => {
    // A reader that went away (`| head`) is not an error of ours.
    stream.write(text.endsWith("\n") ? text : `${text}\n`, () => resolve());
  });
}
