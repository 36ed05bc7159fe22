/** A stack that is formatted only when somebody reads it. */
export interface CallSite {
  readonly stack?: string;
  /** How many of its innermost frames are the guard's own. */
  readonly own: number;
}

/** Enough to reach the application through an ORM, little enough to be taken at every checkout. */
const FRAMES = 10;

/**
 * Remembers who is calling. `own` is how many frames, from the caller of this on, are the guard's.
 * V8 formats the stack when it is read: taking one costs about a microsecond.
 */
export function captureCallSite(own: number): CallSite {
  const site: CallSite = { own };
  const before = Error.stackTraceLimit;
  // It may be frozen, and then its own length has to do.
  Reflect.set(Error, "stackTraceLimit", FRAMES);
  Error.captureStackTrace(site, captureCallSite);
  Reflect.set(Error, "stackTraceLimit", before);
  return site;
}

/** The frames of a call site, one a line, innermost first. */
export function describeCallSite(site: CallSite | undefined): string | undefined {
  const frames = framesOf(site);
  return frames.length === 0 ? undefined : frames.join("\n");
}

/** The innermost frame of the application's own code: not Node's, not a dependency's. */
export function ownFrame(site: CallSite | undefined): string | undefined {
  const frames = framesOf(site);
  return frames.find((frame) => !/node_modules|\(?node:|<anonymous>/.test(frame)) ?? frames[0];
}

function framesOf(site: CallSite | undefined): readonly string[] {
  const lines = site?.stack?.split("\n") ?? [];
  const frames = lines.map((line) => line.trim()).filter((line) => line.startsWith("at "));
  return frames.slice(site?.own);
}
