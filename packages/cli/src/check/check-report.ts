import type { Coverage, Diagnostic } from "@doorpolicy/core";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A diagnostic and the place in the file that its user wrote it at. */
export interface LocatedFinding extends Diagnostic {
  /** Relative to the working directory. */
  readonly file: string;
  /** As in {@link Judged}. */
  readonly subject: string;
  /** `undefined` where the key is not written anywhere, such as a name that is missing. */
  readonly position: Position | undefined;
}

/** What judges where no policy is found. */
export const PRESET = "recommended";

/** One thing that was judged: an option object, a URL, a policy. */
export interface Judged {
  readonly file: string;
  /** In the file's words: `export dataSource`, `DATABASE_URL`. */
  readonly subject: string;
  /** The client it was judged for, or `"policy"`. */
  readonly client: string;
  /** `undefined` for a policy, which covers nothing by itself. */
  readonly coverage: Coverage | undefined;
  /** The file of its policy, or {@link PRESET} where none was found. */
  readonly policy: string;
}

/** A file, or one thing in it, that could not be judged, and why. Holds no secret. */
export interface Failure {
  readonly file: string;
  /** As in {@link Judged}; `undefined` for the whole file. */
  readonly subject: string | undefined;
  readonly position: Position | undefined;
  readonly message: string;
  /** One imperative sentence. */
  readonly hint: string;
  /** What the module or the operating system said. */
  readonly cause: string | undefined;
  /** Where it happened; shown with `--debug` only. */
  readonly stack: string | undefined;
}

/** Everything that one run of `doorpolicy check` knows; reporters turn it into text. */
export interface CheckReport {
  /** What was looked at, relative to the working directory, each file once. */
  readonly files: readonly string[];
  readonly judged: readonly Judged[];
  readonly findings: readonly LocatedFinding[];
  readonly failures: readonly Failure[];
  /** What the environment or an expired exception changed in a policy, in sentences. */
  readonly notices: readonly string[];
}

/** What one file adds to a report. */
export type FileReport = Omit<CheckReport, "files" | "notices">;

/** How many findings weigh; those under a written exception are counted apart. */
export interface Tally {
  readonly errors: number;
  readonly warnings: number;
  readonly allowed: number;
}

/** Counts the findings of a report. */
export function tallyOf(report: Pick<CheckReport, "findings">): Tally {
  const weighing = report.findings.filter((finding) => finding.allowed === undefined);
  const errors = weighing.filter((finding) => finding.severity === "error").length;

  return {
    errors,
    warnings: weighing.length - errors,
    allowed: report.findings.length - weighing.length,
  };
}
