/** One tenant: his name, and a number that he alone writes. */
export interface Tenant {
  readonly name: string;
  /** What he sets the total of his rows to; never 0, and nobody else's. */
  readonly total: number;
}

/** Tenants whose names no other name begins with. */
export function tenantsUpTo(count: number): readonly Tenant[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `t${index}`,
    total: index + 1,
  }));
}

/** The number of a row, from which its writer can be told. */
export function numberOf({ name }: Tenant, what: string): string {
  return `${name}/${what}`;
}

/** The row that each tenant has from the beginning, and that nobody removes. */
export function seedOf(tenant: Tenant): string {
  return numberOf(tenant, "seed");
}

/** True for a number or a text of a line that this tenant has written. */
export function isOf({ name }: Tenant, written: unknown): boolean {
  return String(written).startsWith(`${name}/`);
}
