import { PolicyError } from "../errors.ts";
import type {
  ResolvedConnections,
  ResolvedTarget,
  ResolvedTransaction,
} from "../resolved-policy.ts";

/** Postgres and `setTimeout` both keep a limit in 31 bits. */
const MOST = 2_147_483_647;

/** One limit of a chain: who ends what after how long. 0 means none, and is skipped. */
interface Link {
  /** The user's own key, or what the limit is where it has none. */
  readonly name: string;
  readonly ms: number;
  /** How this limit must stand to the one before it. */
  readonly gap: "less" | "less-or-equal" | "clear";
}

interface Chain {
  /** What goes wrong when a later limit fires first. */
  readonly otherwise: string;
  readonly links: readonly Link[];
}

/**
 * The least distance between two limits of which the first must always win: 20 % and at least one
 * second, for a busy event loop and for clocks of different machines.
 */
export function withGap(ms: number): number {
  return ms === 0 ? 0 : Math.min(MOST, Math.max(ms + 1_000, Math.ceil(ms * 1.2)));
}

/**
 * Refuses limits that fire in the wrong order: the error that is seen would then belong to another
 * layer than the one at fault (prisma/orm#6074).
 *
 * @throws PolicyError `policy/timeout-chain` with the whole chain in numbers.
 */
export function checkTimeoutChain(
  connections: ResolvedConnections,
  transaction: ResolvedTransaction,
  targets: Readonly<Record<string, ResolvedTarget>>,
): void {
  const broken = [
    ...chainsOf(connections, transaction),
    ...Object.values(targets).flatMap((target) => chainsOfTarget(connections, transaction, target)),
  ].flatMap((chain) => {
    const at = brokenLink(chain);
    return at === undefined ? [] : [{ chain, at }];
  });
  const [first] = broken;
  if (first === undefined) return;

  throw new PolicyError(
    "policy/timeout-chain",
    `Limits fire in the wrong order.\n${broken.map(({ chain, at }) => print(chain, at)).join("\n")}\n`,
    {
      hint: "Set each limit that is marked above the one before it.",
      path: first.chain.links[first.at]?.name ?? "transaction",
    },
  );
}

function chainsOf(
  connections: ResolvedConnections,
  transaction: ResolvedTransaction,
): readonly Chain[] {
  return [
    {
      otherwise: "an ORM gives up before it is known that there is no connection to be had",
      links: [
        { name: "connections.acquireTimeoutMs", ms: connections.acquireTimeoutMs, gap: "less" },
        {
          name: "an ORM's wait for a connection (from acquireTimeoutMs)",
          ms: transaction.maxWaitMs,
          gap: "less",
        },
        { name: "transaction.timeoutMs", ms: transaction.timeoutMs, gap: "less" },
      ],
    },
    {
      otherwise: "the idle limit can never fire",
      links: [
        { name: "transaction.idleTimeoutMs", ms: transaction.idleTimeoutMs, gap: "less" },
        { name: "transaction.timeoutMs", ms: transaction.timeoutMs, gap: "less" },
      ],
    },
    ...[
      { name: "connections.acquireTimeoutMs", ms: connections.acquireTimeoutMs },
      { name: "connections.maxLifetimeMs", ms: connections.maxLifetimeMs },
    ].map((limit): Chain => ({
      otherwise: 'connections are kept as with `reuse: "pool"`, which would say so',
      links: [lingering(connections), { ...limit, gap: "less" }],
    })),
    {
      otherwise: "the idle limit can never fire",
      links: [
        { name: "connections.idleTimeoutMs", ms: connections.idleTimeoutMs, gap: "less-or-equal" },
        { name: "connections.maxLifetimeMs", ms: connections.maxLifetimeMs, gap: "less-or-equal" },
      ],
    },
    {
      otherwise: "a held connection is taken back before anybody was warned",
      links: [
        { name: "connections.heldIdleWarnMs", ms: connections.heldIdleWarnMs, gap: "less" },
        { name: "connections.heldIdleReclaimMs", ms: connections.heldIdleReclaimMs, gap: "less" },
      ],
    },
    {
      otherwise: "the limit of a lock or of a statement can never fire",
      links: [
        { name: "transaction.lockTimeoutMs", ms: transaction.lockTimeoutMs, gap: "less-or-equal" },
        {
          name: "transaction.statementTimeoutMs",
          ms: transaction.statementTimeoutMs,
          gap: "less-or-equal",
        },
        { name: "transaction.timeoutMs", ms: transaction.timeoutMs, gap: "less-or-equal" },
      ],
    },
  ];
}

/** It lingers only where connections are not kept anyway. */
function lingering({ reuse, lingerMs }: ResolvedConnections): Link {
  return { name: "connections.lingerMs", ms: reuse === "none" ? lingerMs : 0, gap: "less" };
}

function chainsOfTarget(
  connections: ResolvedConnections,
  transaction: ResolvedTransaction,
  { name, pooler: { limits } }: ResolvedTarget,
): readonly Chain[] {
  const limit = (key: keyof typeof limits, gap: Link["gap"]): Link => ({
    name: `targets.${name}.pooler.limits.${key}`,
    ms: limits[key] ?? 0,
    gap,
  });
  const kills = "the pooler closes the connection before the guard has rolled back in words";
  return [
    {
      otherwise: kills,
      links: [
        { name: "transaction.idleTimeoutMs", ms: transaction.idleTimeoutMs, gap: "less" },
        {
          name: "idle_in_transaction_session_timeout (from idleTimeoutMs)",
          ms: transaction.serverIdleTimeoutMs,
          gap: "clear",
        },
        limit("idleTransactionTimeoutMs", "clear"),
      ],
    },
    {
      otherwise: kills,
      links: [
        { name: "transaction.timeoutMs", ms: transaction.timeoutMs, gap: "less" },
        limit("transactionTimeoutMs", "clear"),
      ],
    },
    {
      otherwise: "the pooler closes the connection before Postgres has ended the statement",
      links: [
        { name: "transaction.statementTimeoutMs", ms: transaction.statementTimeoutMs, gap: "less" },
        limit("queryTimeoutMs", "clear"),
      ],
    },
    {
      otherwise: "the pooler's queue ends a wait that the process knows more about",
      links: [
        { name: "connections.acquireTimeoutMs", ms: connections.acquireTimeoutMs, gap: "less" },
        limit("queryWaitTimeoutMs", "less"),
      ],
    },
  ];
}

/** Index of the first link that fires before the one in front of it. */
function brokenLink({ links }: Chain): number | undefined {
  let before: Link | undefined;
  for (const [index, link] of links.entries()) {
    if (link.ms === 0) continue;
    if (before !== undefined && link.ms < leastAfter(before.ms, link.gap)) return index;
    before = link;
  }
  return undefined;
}

function leastAfter(ms: number, gap: Link["gap"]): number {
  if (gap === "clear") return withGap(ms);
  return gap === "less" ? ms + 1 : ms;
}

function print({ otherwise, links }: Chain, brokenAt: number): string {
  const least = leastAfter(
    links.slice(0, brokenAt).findLast(({ ms }) => ms > 0)?.ms ?? 0,
    links[brokenAt]?.gap ?? "less",
  );
  return links
    .map((link, index) => {
      const sign = index === 0 ? " " : link.gap === "less-or-equal" ? "≤" : "<";
      const value = link.ms === 0 ? "none" : `${link.ms} ms`;
      const mark = index === brokenAt ? `   ← at least ${least} ms, or ${otherwise}` : "";
      return `  ${sign} ${link.name} ${value}${mark}`;
    })
    .join("\n");
}
