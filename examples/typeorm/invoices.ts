import { withPolicy } from "@doorpolicy/typeorm";
import { DataSource, EntitySchema } from "typeorm";

import { policy } from "./db-policy.ts";

interface InvoiceRow {
  readonly id: number;
  readonly customer: string;
  readonly cents: number;
}

const Invoice = new EntitySchema<InvoiceRow>({
  name: "invoice",
  columns: {
    id: { type: Number, primary: true, generated: true },
    customer: { type: String },
    cents: { type: Number },
  },
});

// The policy is this one call. Without it: new DataSource({ type: "postgres", entities: [Invoice] }).
export const dataSource = new DataSource(
  withPolicy({ type: "postgres", entities: [Invoice] }, policy),
);

/** Outside a block every statement stands for itself, and its connection is given back at once. */
export async function invoicesOf(customer: string): Promise<readonly InvoiceRow[]> {
  return dataSource.getRepository(Invoice).findBy({ customer });
}

/** A block is asked for in the ORM's own words; its limits travel with BEGIN. */
export async function bill(customer: string, amounts: readonly number[]): Promise<void> {
  await dataSource.transaction(async (manager) => {
    for (const cents of amounts) await manager.insert(Invoice, { customer, cents });
  });
}
