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
export async function describeUrl(client: UrlClient, url: string, use: UrlUse): Promise<ClientFacts> {
  const { policy, ...choice } = use;
  switch (client) {
    case "typeorm": {
      const { describe } = await import("@doorpolicy/typeorm");
      return describe(dataSourceOptions(url), policy, choice, {});
    }
    case "prisma": {
      const { describe } = await import("@doorpolicy/prisma");
      return describe({ connectionString: url }, policy, choice, {});
    }
    case "prisma-engine": {
      const { describeDatasourceUrl } = await import("@doorpolicy/prisma");
      return describeDatasourceUrl(url, policy, choice);
    }
    case "pg":
      return describePool({ connectionString: url }, policy, choice);
  }
}

function dataSourceOptions(url: string): { readonly type: "postgres"; readonly url: string } {
  return { type: "postgres", url };
}

/** What exported options make their client do. Connects nowhere. */
export async function describeSubject(
  subject: Exclude<Subject, { readonly kind: "policy" }>,
  policy: ResolvedPolicy,
): Promise<ClientFacts> {
  switch (subject.kind) {
    case "typeorm": {
      const { describe } = await import("@doorpolicy/typeorm");
      return describe(subject.options, policy, {}, {});
    }
    case "prisma": {
      const { describe } = await import("@doorpolicy/prisma");
      return describe(subject.options, policy, {}, {});
    }
    case "pg":
      return describePool(subject.config, policy, {});
  }
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
