import { within } from "../expect.ts";
import { diceOf } from "../torture/dice.ts";
import { Findings, foreignWrites, withoutTenant } from "./judge.ts";
import { type Tenant, tenantsUpTo } from "./tenant.ts";
import { lookTogether, runTenantUnit } from "./tenant-unit.ts";
import { startTenantWorld, type TenantClient } from "./tenant-world.ts";

/** How much is done, and by which dice. */
export interface StormOptions {
  readonly tenants: number;
  /** Of each tenant. */
  readonly units: number;
  readonly seed: number;
}

/** What came of it. */
export interface StormReport {
  readonly units: number;
  readonly tookMs: number;
  /** The most that the pooler had open to Postgres for the service. */
  readonly serverConnections: number;
  readonly foreignReads: readonly string[];
  readonly foreignWrites: readonly string[];
  /** Units that did not come to their end within {@link UNIT_LIMIT_MS}. */
  readonly hanging: readonly string[];
  readonly findings: Findings;
}

/** A unit that takes longer hangs: all units of a run share two server connections. */
const UNIT_LIMIT_MS = 60_000;

/** How many units each tenant runs until all of them meet, to do something in the same tick. */
const UNITS_BETWEEN = 10;

/** Lets so many go on together, again and again. */
class Meeting {
  readonly #size: number;
  #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Resolves when the last one has come. */
  async arrive(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < this.#size) return;
      for (const goOn of this.#waiting.splice(0)) goOn();
    });
  }
}

/**
 * All tenants at once, each with one unit after another, over two server connections. Between the units
 * somebody asks without a tenant.
 */
export async function storm({ tenants: count, units, seed }: StormOptions): Promise<StormReport> {
  const tenants = tenantsUpTo(count);
  await using world = await startTenantWorld(tenants);
  const findings = new Findings();
  const hanging: string[] = [];
  const begun = performance.now();
  const meeting = new Meeting(count);
  let serverConnections = 0;
  await Promise.all(
    tenants.map(async (tenant, place) => {
      for (let index = 0; index < units; index++) {
        const dice = diceOf(seed, place * units + index);
        const other = otherThan(tenants, place, dice.between(1, count - 1));
        const unit = runTenantUnit(world, { tenant, other, index, dice }, findings);
        await within(UNIT_LIMIT_MS, "The unit", unit).catch((error: unknown) => {
          hanging.push(`${tenant.name} ${index}: ${String(error)}`);
        });
        if (index % UNITS_BETWEEN === 0) {
          await meeting.arrive();
          await findings.attempt(() => lookTogether(world, { tenant, other }, findings));
        }
        if (dice.percent(5)) await withoutTenant(world.clients[clientOf(index)], findings);
      }
      serverConnections = Math.max(serverConnections, await world.serverConnections());
    }),
  );
  const tookMs = performance.now() - begun;
  return {
    units: count * units,
    tookMs,
    serverConnections,
    foreignReads: findings.foreign,
    foreignWrites: await foreignWrites(world, tenants),
    hanging,
    findings,
  };
}

function otherThan(tenants: readonly Tenant[], place: number, distance: number): Tenant {
  const other = tenants[(place + distance) % tenants.length];
  if (other === undefined) throw new Error("There are too few tenants.");
  return other;
}

function clientOf(index: number): TenantClient {
  return (["pg", "typeorm", "prisma"] as const)[index % 3] ?? "pg";
}
