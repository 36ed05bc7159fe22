import { withPolicy } from "@doorpolicy/typeorm";
import { DataSource, EntitySchema } from "typeorm03";
import type { ClientUnderTest } from "../client.ts";
import { type InvoiceEntity, type LineEntity, openTypeorm, typeormOptions } from "./typeorm.ts";
import { pinnedVersion } from "./versions.ts";

const invoice = new EntitySchema<InvoiceEntity>({
  name: "Invoice",
  tableName: "invoice",
  columns: {
    id: { type: "int", primary: true, generated: "increment" },
    number: { type: "text", unique: true },
    tenant: { type: "text", default: "" },
    total: { type: "int", default: 0 },
  },
  relations: {
    lines: { type: "one-to-many", target: "InvoiceLine", inverseSide: "invoice", cascade: true },
  },
});

const line = new EntitySchema<LineEntity>({
  name: "InvoiceLine",
  tableName: "invoice_line",
  columns: {
    id: { type: "int", primary: true, generated: "increment" },
    text: { type: "text" },
  },
  relations: {
    invoice: { type: "many-to-one", target: "Invoice", joinColumn: { name: "invoice_id" } },
  },
});

/** TypeORM 0.3. */
export const typeorm03: ClientUnderTest = {
  id: "typeorm-0.3",
  title: "TypeORM 0.3",
  can: new Set(["hands-out-connections", "replicates"]),
  version: pinnedVersion("typeorm03"),
  open({ url, own, guarding }) {
    const options = { ...typeormOptions(url, own), entities: [invoice, line] };
    const source = new DataSource(
      guarding.guarded ? withPolicy(options, guarding.policy, guarding.choice) : options,
    );
    return openTypeorm(source, guarding.guarded ? guarding.violations : []);
  },
};
