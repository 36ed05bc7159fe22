import { randomBytes } from "node:crypto";

/** Texts for so many statements, made before the time is taken. */
export type Texts = (count: number) => readonly string[];

export const SHORT = "select 1 as n";

/** What an ORM sends for an entity of thirty columns and a join: 1 kB. */
const LONG = ((): string => {
  const columns = Array.from(
    { length: 15 },
    (_, i) => `"invoice"."column_${i}" AS "invoice_${i}", "line"."column_${i}" AS "line_${i}"`,
  );
  return `SELECT ${columns.join(", ")} FROM "invoice" LEFT JOIN "line" ON "line"."invoice_id" = "invoice"."id" WHERE "invoice"."id" = 1`;
})();

/** One string: its hash is known after the first time. */
export const repeated: Texts = (count) => Array.from({ length: count }, () => SHORT);

/** The same characters in a string that is new each time, as ORMs build them: its hash is not known yet. */
export const fresh: Texts = (count) => {
  const bytes = Buffer.from(LONG);
  return Array.from({ length: count }, () => bytes.toString("latin1"));
};

/** As agents for application performance append: the ids of the trace. */
export const commented =
  (text: string = LONG): Texts =>
  (count) =>
    Array.from({ length: count }, () => {
      const trace = `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
      return Buffer.from(`${text} /*traceparent='${trace}'*/`).toString("latin1");
    });
