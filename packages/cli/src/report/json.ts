import { type CheckReport, tallyOf } from "../check/check-report.ts";

/**
 * The report as one JSON object. Its shape is documented in the README and only ever grows;
 * `version` changes when it would have to shrink.
 */
export function jsonReport(report: CheckReport): string {
  const { errors, warnings, allowed } = tallyOf(report);

  return JSON.stringify({
    version: 1,
    errors,
    warnings,
    allowed,
    judged: report.judged.map(({ file, subject, client, coverage, policy }) => ({
      file,
      subject,
      client,
      coverage: coverage ?? null,
      policy,
    })),
    findings: report.findings.map((finding) => ({
      rule: finding.rule,
      severity: finding.severity,
      message: finding.message,
      help: finding.help,
      file: finding.file,
      subject: finding.subject,
      line: finding.position?.line ?? null,
      column: finding.position?.column ?? null,
      path: finding.path,
      client: finding.client,
      target: finding.target,
      docs: finding.docs,
      allowed: finding.allowed ?? null,
    })),
    failures: report.failures.map(({ file, subject, position, message, hint, cause }) => ({
      file,
      subject: subject ?? null,
      line: position?.line ?? null,
      column: position?.column ?? null,
      message,
      hint,
      cause: cause ?? null,
    })),
    notices: report.notices,
  });
}
