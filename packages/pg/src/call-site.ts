import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A stack that is formatted only when somebody reads it. */
export interface CallSite {
  readonly stack?: string;
  /** How many of its innermost frames are the guard's own. */
  readonly own: number;
}

/** Enough to reach the application through an ORM, little enough to be taken at every checkout. */
const FRAMES = 10;
/** A block is opened once, and Prisma stands between it and the application with more than ten frames. */
export const FRAMES_OF_BLOCK = 30;

/**
 * Remembers who is calling. `own` is how many frames, from the caller of this on, are the guard's.
 * V8 formats the stack when it is read, but walking it costs 5 to 25 µs, as deep as it is: once for what is
 * held, never for a statement.
 */
export function captureCallSite(own: number, frames: number = FRAMES): CallSite {
  const site: CallSite = { own };
  const before = Error.stackTraceLimit;
  if (before === frames) {
    Error.captureStackTrace(site, captureCallSite);
    return site;
  }
  // It may be frozen, and then its own length has to do.
  Reflect.set(Error, "stackTraceLimit", frames);
  Error.captureStackTrace(site, captureCallSite);
  Reflect.set(Error, "stackTraceLimit", before);
  return site;
}

/** For what lasts one statement, which says enough of itself. */
export const NO_CALL_SITE: CallSite = Object.freeze({ own: 0 });

/** The frames of a call site, one a line, innermost first. */
export function describeCallSite(site: CallSite | undefined): string | undefined {
  const frames = framesOf(site);
  return frames.length === 0 ? undefined : frames.join("\n");
}

/**
 * The innermost frame of the application's own code: not Node's, not a dependency's. `undefined` where
 * an ORM has left none on the stack.
 *
 * Source maps give a dependency's frame the path of a file that was never published, so a file that is
 * there is preferred.
 */
export function ownFrame(site: CallSite | undefined): string | undefined {
  const own = framesOf(site).filter(
    (frame) => !/node_modules|^node:|^<anonymous>|^native$/.test(placeOf(frame)),
  );
  return own.find((frame) => existsSync(fileOf(frame))) ?? own[0];
}

/** `at async <anonymous> (/srv/app.ts:24:44)` and `at /srv/app.ts:24:44` alike: what stands last. */
function placeOf(frame: string): string {
  return /\(([^()]*)\)$/.exec(frame)?.[1] ?? frame.replace(/^at (?:async )?/, "");
}

function fileOf(frame: string): string {
  const file = placeOf(frame).replace(/(?::\d+){1,2}$/, "");
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}

function framesOf(site: CallSite | undefined): readonly string[] {
  // A service may have set Error.prepareStackTrace, and then a stack can be anything.
  const stack: unknown = site?.stack;
  const lines = typeof stack === "string" ? stack.split("\n") : [];
  const frames = lines.map((line) => line.trim()).filter((line) => line.startsWith("at "));
  return frames.slice(site?.own);
}
