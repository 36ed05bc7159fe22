import { dirname } from "node:path";

import { check } from "@doorpolicy/core";

import type { FileReport, LocatedFinding } from "./check-report.ts";
import type { Containment } from "./contain.ts";
import { describeSubject } from "./describe.ts";
import { docsPage } from "./docs-page.ts";
import { environmentNear } from "./environment.ts";
import { type Subject, subjectsOf } from "./exports.ts";
import { failureOf } from "./failure-of.ts";
import type { FileInHand } from "./file-in-hand.ts";
import { loadModule } from "./load-module.ts";
import { locate } from "./locate.ts";
import type { FoundPolicy } from "./policies.ts";
import { policyBeside } from "./policy-beside.ts";
import { resolveForCheck } from "./policy-file.ts";

/** A module without anything to judge: silence would look like a clean result. */
class NothingToJudge extends Error {
  readonly hint: string =
    "Export DataSource options, a DataSource, Prisma options or a policy, or leave the file out.";
}

/** Imports a module, connects nowhere, and judges what it exports. */
export async function judgeModule(file: FileInHand, containment: Containment): Promise<FileReport> {
  const environment = environmentNear(dirname(file.path));
  const exported = await loadModule(file.path, environment, containment);
  const subjects = subjectsOf(exported);
  if (subjects.length === 0)
    throw new NothingToJudge("the module exports nothing that can be judged");

  let finding: Promise<FoundPolicy> | undefined;
  const policy = (): Promise<FoundPolicy> =>
    (finding ??= file.policies.for(file.path, () =>
      policyBeside({ path: file.path, text: file.text, exported, environment }, containment),
    ));
  const reports = await Promise.all(
    subjects.map((subject) =>
      judgeSubject(file, subject, policy).catch((error: unknown): FileReport => ({
        judged: [],
        findings: [],
        failures: [failureOf(file.shown, error, subject)],
      })),
    ),
  );

  return {
    judged: reports.flatMap((report) => report.judged),
    findings: reports.flatMap((report) => report.findings),
    failures: reports.flatMap((report) => report.failures),
  };
}

async function judgeSubject(
  file: FileInHand,
  subject: Subject,
  policyOf: () => Promise<FoundPolicy>,
): Promise<FileReport> {
  if (subject.kind === "policy") {
    // Resolving checks it whole: every key, every value, and the chain of its limits.
    resolveForCheck(subject.policy, { ...environmentNear(dirname(file.path)), ...process.env });
    return {
      judged: [
        {
          file: file.shown,
          subject: subject.subject,
          client: "policy",
          coverage: undefined,
          policy: file.shown,
        },
      ],
      findings: [],
      failures: [],
    };
  }
  const { policy, from } = await policyOf();
  const facts = await describeSubject(subject, policy);

  return {
    judged: [
      {
        file: file.shown,
        subject: subject.subject,
        client: facts.client,
        coverage: facts.coverage,
        policy: from,
      },
    ],
    findings: check(facts, policy).map((diagnostic): LocatedFinding => ({
      ...diagnostic,
      docs: docsPage(diagnostic.docs, file.cwd),
      file: file.shown,
      subject: subject.subject,
      position: locate(file.text, diagnostic.path, subject.exportName),
    })),
    failures: [],
  };
}
