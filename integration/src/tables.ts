/** The tables of the suite, as `prisma/schema.prisma` and the entities describe them. */
export const CREATE_TABLES = `
  create table invoice (
    id serial primary key,
    number text not null unique,
    tenant text not null default '',
    total integer not null default 0
  );
  create table invoice_line (
    id serial primary key,
    invoice_id integer not null references invoice (id),
    text text not null
  );
  create table audit (id serial primary key, note text not null);
`;

/** Leaves the tables as they were created. */
export const EMPTY_TABLES = "truncate invoice, invoice_line, audit restart identity";
