import { tallyOf } from "../check/check-report.ts";
import type { UrlClient } from "../check/clients.ts";
import { containModules } from "../check/contain.ts";
import { judge } from "../check/judge.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { colorsFor, complain, print } from "../output.ts";
import { jsonReport } from "../report/json.ts";
import { textFailures, textReport } from "../report/text.ts";

/** What `doorpolicy check` was told. */
export interface CheckFlags {
  readonly policy?: string;
  readonly client?: UrlClient;
  readonly format: "text" | "json";
  readonly maxWarnings?: number;
  readonly debug: boolean;
}

/** Judges the files, prints what it found, and says by its exit code whether that is acceptable. */
export async function checkCommand(files: readonly string[], flags: CheckFlags): Promise<ExitCode> {
  const containment = containModules();
  const report = await judge({
    files,
    policyFile: flags.policy,
    client: flags.client,
    cwd: process.cwd(),
    containment,
  }).finally(() => containment.release());

  if (flags.format === "json") {
    await print(jsonReport(report));
  } else {
    await print(textReport(report, colorsFor(process.stdout)));
    await complain(report.notices.map((notice) => `note: ${notice}`).join("\n"));
    await complain(
      textFailures(report.failures, colorsFor(process.stderr), { debug: flags.debug }),
    );
  }

  if (report.failures.length > 0) return EXIT.cannotJudge;
  const { errors, warnings } = tallyOf(report);
  const isAcceptable = errors === 0 && warnings <= (flags.maxWarnings ?? Number.POSITIVE_INFINITY);

  return isAcceptable ? EXIT.clean : EXIT.found;
}
