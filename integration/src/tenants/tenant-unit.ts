import { transaction, unitOfWork } from "@doorpolicy/pg";
import type { Statements } from "../client.ts";
import type { Dice } from "../torture/dice.ts";
import type { Findings } from "./judge.ts";
import { TENANT_SETTING } from "./tables.ts";
import { numberOf, seedOf, type Tenant } from "./tenant.ts";
import type { TenantClient, TenantWorld } from "./tenant-world.ts";

/** What one unit is about. */
export interface UnitOfTenant {
  readonly tenant: Tenant;
  /** Somebody else, whose rows it asks for by name. */
  readonly other: Tenant;
  readonly index: number;
  readonly dice: Dice;
}

const CLIENTS: readonly [TenantClient, ...TenantClient[]] = ["pg", "typeorm", "prisma"];

/** One unit of one tenant: a few steps through libraries that the dice choose, some of which fail. */
export async function runTenantUnit(
  world: TenantWorld,
  unit: UnitOfTenant,
  findings: Findings,
): Promise<void> {
  const { tenant, dice } = unit;
  const steps = dice.between(1, 4);
  await unitOfWork({ setLocal: { [TENANT_SETTING]: tenant.name } }, async () => {
    for (let step = 0; step < steps; step++) {
      const run = new Step(world, unit, step, findings);
      const act = dice.oneOf<() => Promise<void>>([
        [30, () => () => run.readAndWrite(world.clients[dice.pick(CLIENTS)])],
        [20, () => () => run.inBlock()],
        [20, () => () => run.inTransaction()],
        [10, () => () => run.lookups()],
        [8, () => () => run.failing()],
        [6, () => () => run.killed()],
        [6, () => () => run.aborted()],
      ]);
      await findings.attempt(act);
    }
  });
}

/** All tenants look for their row, and for another's, in one tick: what a library merges, it merges now. */
export async function lookTogether(
  { clients }: TenantWorld,
  { tenant, other }: Pick<UnitOfTenant, "tenant" | "other">,
  findings: Findings,
): Promise<void> {
  await unitOfWork({ setLocal: { [TENANT_SETTING]: tenant.name } }, async () => {
    await Promise.all(
      CLIENTS.map(async (client) => {
        const looking = [seedOf(tenant), seedOf(other)].map((one) => clients[client].find(one));
        const [own, foreign] = await Promise.all(looking);
        if (own === undefined) findings.missed(tenant);
        findings.read(
          tenant,
          [own, foreign].flatMap((row) => (row === undefined ? [] : row.number)),
        );
      }),
    );
  });
}

/** One step of a unit. Each writes rows with a number of its own. */
class Step {
  readonly #world: TenantWorld;
  readonly #unit: UnitOfTenant;
  readonly #step: number;
  readonly #findings: Findings;
  #written = 0;

  constructor(world: TenantWorld, unit: UnitOfTenant, step: number, findings: Findings) {
    this.#world = world;
    this.#unit = unit;
    this.#step = step;
    this.#findings = findings;
  }

  /** The newest that a tenant sees, a row of somebody else by its name, and a write to all that he sees. */
  async readAndWrite(on: Statements): Promise<void> {
    const { tenant, other } = this.#unit;
    const rows = await on.query("select number from invoice order by id desc limit 30");
    this.#findings.read(
      tenant,
      rows.map(({ number }) => number),
    );
    await this.#find(on, seedOf(other));
    await this.#insert(on);
    await this.#findOwn(on);
    // Without WHERE: whatever row-level security lets through.
    await on.query(`update invoice set total = ${tenant.total} where total = 0`);
  }

  /** The same in a block of the library's own, which half of the times is rolled back. */
  async inBlock(): Promise<void> {
    const client = this.#client();
    const fails = this.#unit.dice.percent(50);
    await client.block(async (block) => {
      await this.readAndWrite(block);
      if (fails) await block.query("select 1 / 0");
    });
  }

  /** Through all libraries in one transaction. */
  async inTransaction(): Promise<void> {
    const { dice } = this.#unit;
    const clients = [this.#client(), this.#client()];
    await transaction(async () => {
      for (const client of clients) await this.readAndWrite(client);
      if (dice.percent(30)) throw new Error("The service gives up.");
    });
  }

  /** Lookups of one tick, which Prisma merges, of this tenant's row and of another's. */
  async lookups(): Promise<void> {
    const { other } = this.#unit;
    const client = this.#client();
    await Promise.all([this.#findOwn(client), this.#find(client, seedOf(other))]);
    const gone = client.remove(seedOf(other));
    // Two of the libraries say nothing of a row that is not there.
    await gone.catch(() => undefined);
  }

  async failing(): Promise<void> {
    const { tenant, other, dice } = this.#unit;
    const taken = numberOf(dice.percent(50) ? tenant : other, "seed");
    await this.#client().insert(taken);
  }

  /** Its server connection is ended by an administrator, in the middle of a transaction. */
  async killed(): Promise<void> {
    const client = this.#client();
    await transaction(async () => {
      await this.readAndWrite(client);
      const [row] = await client.query("select pg_backend_pid() as pid");
      this.#findings.kills += 1;
      await this.#world.bed.sql(`select pg_terminate_backend(${Number(row?.["pid"])})`);
      await this.readAndWrite(client);
    });
  }

  /** Its caller goes away while a statement runs. */
  async aborted(): Promise<void> {
    const client = this.#client();
    const abort = new AbortController();
    this.#findings.aborts += 1;
    await transaction({ signal: abort.signal }, async () => {
      await this.readAndWrite(client);
      const sleeping = client.query("select 1 as one from pg_sleep(0.05)");
      abort.abort(new Error("The caller is gone."));
      await sleeping;
    });
  }

  #client(): TenantWorld["clients"][TenantClient] {
    return this.#world.clients[this.#unit.dice.pick(CLIENTS)];
  }

  async #find(on: Statements, number: string): Promise<void> {
    const found = await on.find(number);
    if (found !== undefined) this.#findings.read(this.#unit.tenant, [found.number, ...found.lines]);
  }

  /** Without his tenant, or with another, a tenant would miss his own row. */
  async #findOwn(on: Statements): Promise<void> {
    const { tenant } = this.#unit;
    const found = await on.find(seedOf(tenant));
    if (found === undefined) this.#findings.missed(tenant);
    else this.#findings.read(tenant, [found.number, ...found.lines]);
  }

  async #insert(on: Statements): Promise<void> {
    const { tenant, index } = this.#unit;
    const number = numberOf(tenant, `${index}.${this.#step}.${this.#written++}`);
    await on.insert(number, [`${number} line`]);
    this.#findings.rowsWritten += 2;
  }
}
