/** A statement as Prisma gives it to a driver adapter. */
export interface SqlQuery {
  sql: string;
  args: unknown[];
  argTypes: unknown[];
}

/** Prisma's numbers for column types, the same in 6.16 to 7.10. */
export type ColumnType =
  | (0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15)
  | (64 | 65 | 66 | 67 | 68 | 69 | 70 | 71 | 72 | 73 | 74 | 75 | 76 | 77 | 78)
  | 128;

/** Rows as a driver adapter gives them to Prisma. */
export interface SqlResultSet {
  columnTypes: ColumnType[];
  columnNames: string[];
  rows: unknown[][];
  lastInsertId?: string;
}

/** What Prisma calls `SqlQueryable`. */
export interface SqlQueryable {
  readonly provider: "postgres";
  readonly adapterName: string;
  queryRaw(query: SqlQuery): Promise<SqlResultSet>;
  executeRaw(query: SqlQuery): Promise<number>;
}

/** What Prisma calls `Transaction`. Savepoints exist from 7.5. */
export interface SqlTransaction extends Omit<SqlQueryable, "provider"> {
  readonly provider: "mysql" | "postgres" | "sqlite" | "sqlserver";
  readonly options: { usePhantomQuery: boolean };
  commit(): Promise<void>;
  rollback(): Promise<void>;
  createSavepoint?(name: string): Promise<void>;
  rollbackToSavepoint?(name: string): Promise<void>;
  releaseSavepoint?(name: string): Promise<void>;
}

/** The isolation levels of Prisma's driver adapters. */
export type IsolationLevel =
  | "READ UNCOMMITTED"
  | "READ COMMITTED"
  | "REPEATABLE READ"
  | "SNAPSHOT"
  | "SERIALIZABLE";

/** What Prisma calls `SqlDriverAdapter`. */
export interface SqlDriverAdapter extends SqlQueryable {
  executeScript(script: string): Promise<void>;
  startTransaction(isolationLevel?: IsolationLevel): Promise<SqlTransaction>;
  getConnectionInfo?(): {
    schemaName?: string;
    maxBindValues?: number;
    supportsRelationJoins: boolean;
  };
  dispose(): Promise<void>;
}

/**
 * What `new PrismaClient({ adapter })` takes. Structural, and held against the types of
 * `@prisma/client` and of `@prisma/adapter-pg` 6.19 and 7.10 in a type test: the package that
 * declares them is a dependency of theirs and not of ours.
 */
export interface SqlDriverAdapterFactory {
  readonly provider: "postgres";
  readonly adapterName: string;
  connect(): Promise<SqlDriverAdapter>;
}
