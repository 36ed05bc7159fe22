import { EventEmitter } from "node:events";

import { currentUnit, type Unit } from "@doorpolicy/pg";

import type { SqlDriverAdapterFactory, SqlQuery, SqlQueryable } from "../src/index.ts";

/** A statement as the adapter got it, and the unit that it takes its connection from. */
export interface Sent {
  readonly unit: Unit | undefined;
  /** The unit whose transaction it is a part of; its own where it is part of none. */
  readonly owner: Unit | undefined;
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** What went through an adapter. */
export interface Recording {
  readonly sent: Sent[];
  /** How many connections its pool has opened. */
  connections: number;
}

/** An adapter that writes down what is sent through it, and changes nothing. */
export function recording(
  factory: SqlDriverAdapterFactory,
  into: Recording,
): SqlDriverAdapterFactory {
  const note = ({ sql, args }: SqlQuery, owner: Unit | undefined): void => {
    into.sent.push({ unit: currentUnit(), owner, sql, values: args });
  };
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const db = await factory.connect();
      if ("underlyingDriver" in db && typeof db.underlyingDriver === "function") {
        const pool: unknown = db.underlyingDriver();
        if (pool instanceof EventEmitter) pool.on("connect", () => (into.connections += 1));
      }
      const startTransaction = db.startTransaction.bind(db);
      listen(db, (query) => note(query, currentUnit()));
      db.startTransaction = async (isolationLevel) => {
        const owner = currentUnit();
        note({ sql: "BEGIN", args: [], argTypes: [] }, owner);
        const transaction = await startTransaction(isolationLevel);
        listen(transaction, (query) => note(query, owner));
        return transaction;
      };
      return db;
    },
  };
}

function listen(
  db: Pick<SqlQueryable, "executeRaw" | "queryRaw">,
  hear: (query: SqlQuery) => void,
): void {
  const executeRaw = db.executeRaw.bind(db);
  const queryRaw = db.queryRaw.bind(db);
  db.queryRaw = (query) => {
    hear(query);
    return queryRaw(query);
  };
  db.executeRaw = (query) => {
    hear(query);
    return executeRaw(query);
  };
}
