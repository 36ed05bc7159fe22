import { dirname } from "node:path";

import {
  check,
  type ClientFacts,
  type Diagnostic,
  type Lane,
  type ResolvedPolicy,
} from "@doorpolicy/core";

import type { FileReport, LocatedFinding } from "./check-report.ts";
import { clientsNear, type UrlClient } from "./clients.ts";
import { describeUrl } from "./describe.ts";
import { type EnvEntry, isPostgresUrl, positionInEntry, readEnvFile } from "./env-file.ts";
import type { FileInHand } from "./file-in-hand.ts";

/** Names that say that a URL leads around the pooler. */
const DIRECT_NAME = /DIRECT|MIGRAT|SHADOW|UNPOOLED|NON_POOLING|ADMIN/i;

/**
 * Judges the connection URLs of a `.env` file, for what stands in them and for nothing else: that a
 * URL says no name or no pool size is no fault, since code says it.
 */
export async function judgeEnvFile(
  file: FileInHand,
  client: UrlClient | undefined,
): Promise<FileReport> {
  const urls = readEnvFile(file.text).filter((entry) => isPostgresUrl(entry.value));
  if (urls.length === 0) return { judged: [], findings: [], failures: [] };
  const { policy, from } = await file.policies.for(file.path);
  const clients = client === undefined ? clientsNear(dirname(file.path)) : [client];

  const all = await Promise.all(
    urls.flatMap((entry) =>
      clients.map(async (judgedFor) => {
        const facts = await describeUrl(judgedFor, entry.value, {
          policy,
          ...laneOf(entry.name, policy),
        });
        return { entry, facts, findings: findingsOf(file, entry, facts, policy) };
      }),
    ),
  );

  return {
    judged: all.map(({ entry, facts }) => ({
      file: file.shown,
      subject: entry.name,
      client: facts.client,
      coverage: facts.coverage,
      policy: from,
    })),
    findings: once(all.flatMap(({ findings }) => findings)),
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
        file: file.shown,
        position: positionInEntry(file.text, entry, parameter),
      },
    ];
  });
}

/** The lane that the policy gives this variable to; else what its name says; else the pooled one. */
function laneOf(
  name: string,
  policy: ResolvedPolicy,
): { readonly target?: string; readonly lane: Lane } {
  for (const target of Object.values(policy.targets)) {
    const lane = (["pooled", "direct"] as const).find((candidate) => {
      const { [candidate]: source } = target.lanes;
      return source.url === undefined ? source.missing.includes(name) : source.from.includes(name);
    });
    if (lane !== undefined) return { target: target.name, lane };
  }

  return { lane: DIRECT_NAME.test(name) ? "direct" : "pooled" };
}

/** One parameter that two clients mind is one thing to correct; the first client speaks. */
function once(findings: readonly LocatedFinding[]): LocatedFinding[] {
  const keys = findings.map(({ rule, path }) => `${rule} ${path}`);

  return findings.filter((_, index) => keys.indexOf(keys[index] ?? "") === index);
}
