import { dirname } from "node:path";

import { check, type ClientFacts, type Diagnostic, type ResolvedPolicy } from "@doorpolicy/core";

import type { Failure, FileReport, LocatedFinding } from "./check-report.ts";
import { clientsNear, type UrlClient } from "./clients.ts";
import { describeUrl } from "./describe.ts";
import { docsPage } from "./docs-page.ts";
import { type EnvEntry, isPostgresUrl, positionInEntry, readEnvFile } from "./env-file.ts";
import { failureOf } from "./failure-of.ts";
import type { FileInHand } from "./file-in-hand.ts";
import type { FoundPolicy } from "./policies.ts";
import { laneOfName, laneOfVariable } from "./variables.ts";

/**
 * Judges the connection URLs of a `.env` file, for what stands in them and for nothing else: that a
 * URL says no name or no pool size is no fault, since code says it.
 */
export async function judgeEnvFile(
  file: FileInHand,
  client: UrlClient | undefined,
): Promise<FileReport> {
  const entries = readEnvFile(file.text).filter(({ value }) => value.trim() !== "");
  if (entries.length === 0) return { judged: [], findings: [], failures: [] };
  const found = await file.policies.for(file.path);
  // A variable that the policy names has to be a URL of Postgres, whatever it is.
  const urls = entries.filter(
    ({ name, value }) => isPostgresUrl(value) || laneOfVariable(name, found.policy) !== undefined,
  );
  const clients = client === undefined ? clientsNear(dirname(file.path)) : [client];

  const reports = await Promise.all(
    urls.flatMap((entry) =>
      clients.map((judgedFor) =>
        judgeUrl(file, entry, judgedFor, found).catch((error: unknown): FileReport => ({
          judged: [],
          findings: [],
          failures: [
            failureOf(file.shown, error, {
              subject: entry.name,
              position: positionInEntry(file.text, entry),
            }),
          ],
        })),
      ),
    ),
  );

  return {
    judged: reports.flatMap((report) => report.judged),
    findings: onceEach(
      reports.flatMap((report) => report.findings),
      ({ rule, path }: LocatedFinding) => `${rule} ${path}`,
    ),
    failures: onceEach(
      reports.flatMap((report) => report.failures),
      ({ subject, message }: Failure) => `${subject} ${message}`,
    ),
  };
}

async function judgeUrl(
  file: FileInHand,
  entry: EnvEntry,
  client: UrlClient,
  { policy, from }: FoundPolicy,
): Promise<FileReport> {
  const choice = laneOfVariable(entry.name, policy) ?? laneOfName(entry.name);
  const facts = await describeUrl(client, entry.value, { policy, ...choice });

  return {
    judged: [
      {
        file: file.shown,
        subject: entry.name,
        client: facts.client,
        coverage: facts.coverage,
        policy: from,
      },
    ],
    findings: findingsOf(file, entry, facts, policy),
    failures: [],
  };
}

function findingsOf(
  file: FileInHand,
  entry: EnvEntry,
  facts: ClientFacts,
  policy: ResolvedPolicy,
): LocatedFinding[] {
  return check(facts, policy).flatMap((diagnostic: Diagnostic) => {
    const parameter = /^[\w.]+\?(.+)$/.exec(diagnostic.path)?.[1];
    if (parameter === undefined) return [];
    return [
      {
        ...diagnostic,
        path: `${entry.name}?${parameter}`,
        docs: docsPage(diagnostic.docs, file.cwd),
        file: file.shown,
        subject: entry.name,
        position: positionInEntry(file.text, entry, parameter),
      },
    ];
  });
}

/** What two clients mind about one variable is one thing to correct; the first client speaks. */
function onceEach<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const keys = items.map(keyOf);

  return items.filter((_, index) => keys.indexOf(keys[index] ?? "") === index);
}
