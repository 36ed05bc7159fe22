import { CREATE_TABLES } from "../tables.ts";

/** The role that services connect as: it owns nothing, so that row-level policies hold for it. */
export const SERVICE_ROLE = "service";

/** Says which tenant a statement is for. */
export const TENANT_SETTING = "app.tenant";

/**
 * Tables whose rows are seen and written under their tenant's setting only. A row gets its tenant from
 * the setting that the server knows when it is written, and its number from whoever writes it: where the
 * two differ, somebody has written as somebody else.
 */
export const CREATE_TENANT_TABLES = `
  ${CREATE_TABLES}
  alter table invoice_line add column tenant text not null default '';

  create index on invoice (tenant, id);
  create index on invoice_line (tenant, invoice_id);

  create function tenant() returns text stable language sql as
    $$ select nullif(current_setting('${TENANT_SETTING}', true), '') $$;

  create function take_tenant() returns trigger language plpgsql as
    $$ begin new.tenant := tenant(); return new; end $$;
  create trigger take_tenant before insert on invoice
    for each row execute function take_tenant();
  create trigger take_tenant before insert on invoice_line
    for each row execute function take_tenant();

  alter table invoice enable row level security;
  alter table invoice_line enable row level security;
  create policy own_rows on invoice using (tenant = tenant()) with check (tenant = tenant());
  create policy own_rows on invoice_line using (tenant = tenant()) with check (tenant = tenant());

  grant select, insert, update, delete on invoice, invoice_line to ${SERVICE_ROLE};
  grant usage on all sequences in schema public to ${SERVICE_ROLE};
`;
