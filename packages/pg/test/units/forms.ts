import { createRequire } from "node:module";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { GuardedPg } from "@doorpolicy/pg";
import type { Pool, Submittable } from "pg";
import QueryStream from "pg-query-stream";
import { expect } from "vitest";

import { makeCursor, type Pg, rejection } from "../world.ts";

/** `pg-copy-streams`, which comes without types. */
interface CopyStreams {
  from(text: string): Submittable & Writable;
  to(text: string): Submittable & Readable;
}

const copy: CopyStreams = createRequire(import.meta.url)("pg-copy-streams");

/** What a form of a statement needs. */
interface Given {
  readonly pg: GuardedPg<Pg>;
  readonly pool: Pool;
  /** A value that the statement shows: `current_setting` of it has to be there. */
  readonly read: string;
  readonly value: string;
}

/** A way to send a statement, and to look at its answer. */
export interface Form {
  readonly title: string;
  /** A setting that the server shows in it has this value. */
  readonly run: (given: Given) => Promise<void>;
}

/** Every form that `pg` knows; each reads a setting, or stores rows that tell of it. */
export const FORMS: readonly Form[] = [
  {
    title: "a text",
    async run({ pool, read, value }) {
      expect((await pool.query(read)).rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "a text with values",
    async run({ pool, read, value }) {
      const { rows } = await pool.query(`${read}, $1::int as n`, [3]);
      expect(rows).toEqual([{ s: value, n: 3 }]);
    },
  },
  {
    title: "a text with a semicolon",
    async run({ pool, read, value }) {
      expect((await pool.query(`${read};`)).rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "a callback",
    async run({ pool, read, value }) {
      const rows = await new Promise((resolve, reject) => {
        pool.query(read, (error, result) => (error ? reject(error) : resolve(result.rows)));
      });
      expect(rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "values and a callback",
    async run({ pool, read, value }) {
      const rows = await new Promise((resolve, reject) => {
        pool.query(`${read}, $1::int as n`, [3], (error, result) =>
          error ? reject(error) : resolve(result.rows),
        );
      });
      expect(rows).toEqual([{ s: value, n: 3 }]);
    },
  },
  {
    title: "a connect callback",
    async run({ pool, read, value }) {
      const rows = await new Promise((resolve, reject) => {
        pool.connect((error, client, release) => {
          if (error || client === undefined) return reject(error);
          client.query(read, (failure, result) => {
            release();
            if (failure) reject(failure);
            else resolve(result.rows);
          });
        });
      });
      expect(rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "a Query object",
    async run({ pg, pool, read, value }) {
      const client = await pool.connect();
      const rows: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        const query = client.query(new pg.Query(read));
        query.on("row", (row) => rows.push(row));
        query.on("error", reject);
        query.on("end", () => resolve());
      });
      client.release();
      expect(rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "a named statement, twice",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const query = { name: "reads-a-setting", text: `${read}, $1::int as n`, values: [3] };
      const one = await client.query(query);
      const two = await client.query(query);
      client.release();
      expect([one.rows, two.rows]).toEqual([[{ s: value, n: 3 }], [{ s: value, n: 3 }]]);
    },
  },
  {
    title: "rows as arrays",
    async run({ pool, read, value }) {
      const { rows } = await pool.query({ text: read, rowMode: "array" });
      expect(rows).toEqual([[value]]);
    },
  },
  {
    title: "types of its own",
    async run({ pool, read, value }) {
      const { rows } = await pool.query({
        text: `${read}, 7::int as n`,
        types: { getTypeParser: (oid: number) => (text: string) => (oid === 23 ? "seven" : text) },
      });
      expect(rows).toEqual([{ s: value, n: "seven" }]);
    },
  },
  {
    title: "several statements in one text",
    async run({ pool, read, value }) {
      const results: unknown = await pool.query(`${read}; select 7 as n`);
      expect(results).toMatchObject([{ rows: [{ s: value }] }, { rows: [{ n: 7 }] }]);
    },
  },
  {
    title: "an empty text",
    async run({ pool }) {
      expect((await pool.query("")).rows).toEqual([]);
      expect((await pool.query(";")).rows).toEqual([]);
      expect((await pool.query("-- nothing")).rows).toEqual([]);
    },
  },
  {
    title: "a limit of rows",
    async run({ pool, read, value }) {
      const { rows } = await pool.query({
        text: `${read}, generate_series(1, $1::int) as n`,
        values: [3],
        rows: 2,
      } as { text: string });
      expect(rows).toEqual([1, 2, 3].map((n) => ({ s: value, n })));
    },
  },
  {
    title: "a cursor",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const cursor = client.query(makeCursor(`${read}, generate_series(1, 5) as n`));
      const some = await cursor.read(2);
      const rest = await cursor.read(10);
      const none = await cursor.read(10);
      await cursor.close();
      client.release();
      expect(some).toEqual([1, 2].map((n) => ({ s: value, n })));
      expect(rest).toEqual([3, 4, 5].map((n) => ({ s: value, n })));
      expect(none).toEqual([]);
    },
  },
  {
    title: "a cursor that is closed early",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const cursor = client.query(makeCursor(`${read}, generate_series(1, 5) as n`));
      const some = await cursor.read(1);
      await cursor.close();
      const { rows } = await client.query(read);
      client.release();
      expect(some).toEqual([{ s: value, n: 1 }]);
      expect(rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "a stream",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const stream = client.query(
        new QueryStream(`${read}, generate_series(1, 300) as n`, [], { batchSize: 50 }),
      );
      let count = 0;
      for await (const row of stream) {
        expect(row.s).toBe(value);
        count += 1;
      }
      client.release();
      expect(count).toBe(300);
    },
  },
  {
    title: "a stream that is left early",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const stream = client.query(
        new QueryStream(`${read}, generate_series(1, 300) as n`, [], { batchSize: 10 }),
      );
      for await (const row of stream) {
        expect(row.s).toBe(value);
        break;
      }
      const { rows } = await client.query(read);
      client.release();
      expect(rows).toEqual([{ s: value }]);
    },
  },
  {
    title: "COPY TO and COPY FROM",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      const chunks: Buffer[] = [];
      for await (const chunk of client.query(copy.to(`copy (${read}) to stdout`))) {
        chunks.push(chunk);
      }
      await pipeline(
        Readable.from(["901\tcopied\n", "902\tcopied\n"]),
        client.query(copy.from("copy t from stdin")),
      );
      client.release();
      const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
      expect(Buffer.concat(chunks).toString()).toBe(`${escaped}\n`);
      const { rows } = await pool.query("select count(*)::int as n from t where who = 'copied'");
      expect(rows).toEqual([{ n: 2 }]);
      await pool.query("delete from t where who = 'copied'");
    },
  },
  {
    title: "a value that cannot be serialised",
    async run({ pool, read, value }) {
      const loop: { self?: unknown } = {};
      loop.self = loop;
      const client = await pool.connect();
      expect(await rejection(client.query("select $1::json", [loop]))).toBeInstanceOf(TypeError);
      expect((await client.query(read)).rows).toEqual([{ s: value }]);
      client.release();
    },
  },
  {
    title: "values that are no array",
    async run({ pool, read, value }) {
      const client = await pool.connect();
      // pg's types would refuse it.
      const query: { text: string } = Object.assign({ text: read }, { values: "x" });
      expect(await rejection(client.query(query))).toBeInstanceOf(Error);
      expect((await client.query(read)).rows).toEqual([{ s: value }]);
      client.release();
    },
  },
];
