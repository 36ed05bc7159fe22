import type { ClientFacts, LaneChoice, ResolvedPolicy } from "@doorpolicy/core";

import type { UrlClient } from "./clients.ts";
import type { Subject } from "./exports.ts";

/** Where a URL is used, and by which policy. */
export interface UrlUse extends LaneChoice {
  readonly policy: ResolvedPolicy;
}

/**
 * What a bare URL makes a client do, as its adapter reads it. The environment of this process is
 * kept out: it is not that of the service.
 */
export function describeUrl(client: UrlClient, url: string, use: UrlUse): Promise<ClientFacts> {
  return urlReaders[client](url, use);
}

const urlReaders: Readonly<Record<UrlClient, (url: string, use: UrlUse) => Promise<ClientFacts>>> =
  {
    async typeorm(url, { policy, ...choice }) {
      const { describe } = await import("@doorpolicy/typeorm");
      return describe(dataSourceOptions(url), policy, choice, {});
    },
    async prisma(url, { policy, ...choice }) {
      const { describe } = await import("@doorpolicy/prisma");
      return describe({ connectionString: url }, policy, choice, {});
    },
    async "prisma-engine"(url, { policy, ...choice }) {
      const { describeEngineUrl } = await import("@doorpolicy/prisma");
      return describeEngineUrl(url, policy, choice);
    },
    pg: (url, { policy, ...choice }) => describePool({ connectionString: url }, policy, choice),
  };

function dataSourceOptions(url: string): { readonly type: "postgres"; readonly url: string } {
  return { type: "postgres", url };
}

/** What exported options make their client do. Connects nowhere. */
export async function describeSubject(
  subject: Exclude<Subject, { readonly kind: "policy" }>,
  policy: ResolvedPolicy,
): Promise<ClientFacts> {
  if (subject.kind === "typeorm") {
    const { describe } = await import("@doorpolicy/typeorm");
    return describe(subject.options, policy, {}, {});
  }
  if (subject.kind === "prisma") {
    const { describe } = await import("@doorpolicy/prisma");
    return describe(subject.options, policy, {}, {});
  }

  return describePool(subject.config, policy, {});
}

async function describePool(
  config: Readonly<Record<string, unknown>>,
  policy: ResolvedPolicy,
  choice: LaneChoice,
): Promise<ClientFacts> {
  const { laneInUse } = await import("@doorpolicy/core");
  const { describePoolConfig } = await import("@doorpolicy/pg");
  const { target, lane } = laneInUse(policy, choice);

  return describePoolConfig(config, { client: "pg", target: target.name, lane, environment: {} });
}
