import type { OpenClient } from "../client.ts";
import { isOf, seedOf, type Tenant } from "./tenant.ts";
import type { TenantWorld } from "./tenant-world.ts";

/** What a unit has seen that was not its tenant's, and how much it has looked at. */
export class Findings {
  /** Rows of somebody else, and in whose unit they were seen. */
  readonly foreign: string[] = [];
  /** Statements that went out without a tenant, or were refused with another error than their own. */
  readonly untold: string[] = [];
  rowsRead = 0;
  rowsWritten = 0;
  statementsFailed = 0;
  kills = 0;
  aborts = 0;
  refused = 0;

  /** Runs what may fail: an error is a story's own, or what a kill has left; nothing hangs on which. */
  async attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.statementsFailed += 1;
      if (says(error, "unit/required-setting")) this.untold.push("a unit has lost its tenant");
      this.#note(error);
    }
  }

  /** How often each error was told, by its code or the first words of it. */
  readonly said: Map<string, number> = new Map();

  #note(error: unknown): void {
    const code = codeOf(error) ?? String(error).slice(0, 60);
    this.said.set(code, (this.said.get(code) ?? 0) + 1);
  }

  /** A unit of this tenant was not given his own row, which is always there. */
  missed({ name }: Tenant): void {
    this.foreign.push(`${name} has not seen his own row`);
  }

  /** Looks at rows that a unit of this tenant was given. */
  read(tenant: Tenant, written: readonly unknown[]): void {
    this.rowsRead += written.length;
    for (const one of written) {
      if (!isOf(tenant, one)) this.foreign.push(`${tenant.name} has read ${String(one)}`);
    }
  }
}

/** Rows that were written as somebody else, or that somebody else has taken away. */
export async function foreignWrites(
  world: TenantWorld,
  tenants: readonly Tenant[],
): Promise<readonly string[]> {
  const found: string[] = [];
  const byName = new Map(tenants.map((tenant) => [tenant.name, tenant]));
  const rows = await world.invoices();
  for (const { number, tenant, total } of rows) {
    const owner = byName.get(tenant);
    if (owner === undefined || !isOf(owner, number)) found.push(`${number} is ${tenant}'s`);
    else if (total !== 0 && total !== owner.total) found.push(`${number} has total ${total}`);
  }
  for (const { text, tenant } of await world.lines()) {
    const owner = byName.get(tenant);
    if (owner === undefined || !isOf(owner, text)) found.push(`line ${text} is ${tenant}'s`);
  }
  const numbers = new Set(rows.map(({ number }) => number));
  for (const tenant of tenants) {
    if (!numbers.has(seedOf(tenant))) found.push(`${seedOf(tenant)} is gone`);
  }
  return found;
}

/** A statement without a tenant says so, before it is sent, whichever library sends it. */
export async function withoutTenant(client: OpenClient, findings: Findings): Promise<void> {
  try {
    await client.query("select number from invoice");
    findings.untold.push("a statement without a tenant was sent");
  } catch (error) {
    if (says(error, "unit/required-setting")) findings.refused += 1;
    else findings.untold.push(String(error));
  }
}

/** Whether a code is told, whatever the ORM has put around it. */
function says(error: unknown, code: string): boolean {
  return codesOf(error).includes(code);
}

function codeOf(error: unknown): string | undefined {
  return codesOf(error)[0];
}

/** The codes of an error, of what is in it, and of what caused it. */
function codesOf(error: unknown): readonly string[] {
  if (typeof error !== "object" || error === null) return [];
  const code: unknown = Reflect.get(error, "code");
  return [
    ...(typeof code === "string" ? [code] : []),
    ...codesOf(Reflect.get(error, "driverError")),
    ...codesOf(Reflect.get(error, "cause")),
  ];
}
