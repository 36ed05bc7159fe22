import { readFileSync } from "node:fs";
import { basename, relative, resolve, sep } from "node:path";

import type { CheckReport, FileReport } from "./check-report.ts";
import type { UrlClient } from "./clients.ts";
import type { Containment } from "./contain.ts";
import { failureOf } from "./failure-of.ts";
import { judgeEnvFile } from "./judge-env.ts";
import { judgeModule } from "./judge-module.ts";
import { openPolicies } from "./policies.ts";

/** What is judged, and by what. */
export interface JudgeOptions {
  readonly files: readonly string[];
  readonly policyFile: string | undefined;
  readonly client: UrlClient | undefined;
  readonly cwd: string;
  readonly containment: Containment;
}

const MODULE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Judges every file by itself; one that cannot be judged does not keep the others from it. */
export async function judge(options: JudgeOptions): Promise<CheckReport> {
  const paths = [...new Set(options.files.map((file) => resolve(options.cwd, file)))];
  const read = paths.map((path) => ({
    path,
    shown: shownPath(path, options.cwd),
    ...readFile(path),
  }));
  const policies = openPolicies(options);

  const reports: FileReport[] = [];
  for (const { path, shown, text, error } of read) {
    try {
      if (text === undefined) throw error;
      const file = { path, shown, text, cwd: options.cwd, policies };
      reports.push(
        isEnvFile(path)
          ? await judgeEnvFile(file, options.client)
          : await judgeModule(file, options.containment),
      );
    } catch (failed) {
      reports.push({ judged: [], findings: [], failures: [failureOf(shown, failed)] });
    }
  }

  return {
    files: read.map(({ shown }) => shown),
    judged: reports.flatMap((report) => report.judged),
    findings: reports.flatMap((report) => report.findings),
    failures: reports.flatMap((report) => report.failures),
    notices: await policies.notices(),
  };
}

/** `.env`, `.env.production`, `test.env`. */
function isEnvFile(path: string): boolean {
  const name = basename(path);

  return name === ".env" || name.startsWith(".env.") || name.endsWith(".env");
}

/** Windows included, reports speak with slashes, so that they can be compared. */
function shownPath(path: string, cwd: string): string {
  return relative(cwd, path).split(sep).join("/");
}

function readFile(path: string): { readonly text?: string; readonly error?: Error } {
  if (!isEnvFile(path) && !MODULE.test(path)) {
    return { error: new UnknownFile("it is neither a `.env` file nor a module") };
  }
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { error: new UnknownFile("it cannot be read", error) };
  }
}

/** A file that was named and cannot be looked at. */
class UnknownFile extends Error {
  readonly hint: string = "Name `.env` files and modules: .ts, .mts, .cts, .js, .mjs, .cjs.";

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
  }
}
