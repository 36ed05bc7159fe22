import type {
  Block,
  BlockOptions,
  Invoice,
  OpenClient,
  OwnOptions,
  Row,
  Statements,
} from "../client.ts";
import type { Violation } from "@doorpolicy/core";

/** An invoice as TypeORM's entities hold it. */
export interface InvoiceEntity {
  id?: number;
  number: string;
  tenant?: string;
  total?: number;
  lines?: LineEntity[];
}

/** A line of an invoice. */
export interface LineEntity {
  id?: number;
  text: string;
  invoice?: InvoiceEntity;
}

interface RepositoryLike {
  save(entity: InvoiceEntity): Promise<unknown>;
  findOne(options: {
    where: { number: string };
    relations: { lines: true };
    order: { lines: { id: "ASC" } };
  }): Promise<InvoiceEntity | null>;
  update(where: { number: string }, values: { total: number }): Promise<unknown>;
  delete(where: { number: string }): Promise<unknown>;
}

interface ManagerLike {
  query(sql: string): Promise<unknown>;
  getRepository(name: "Invoice"): RepositoryLike;
  transaction<Result>(run: (manager: ManagerLike) => Promise<Result>): Promise<Result>;
}

interface RunnerLike {
  readonly manager: ManagerLike;
  connect(): Promise<unknown>;
  startTransaction(): Promise<void>;
  query(sql: string): Promise<unknown>;
  release(): Promise<void>;
}

/** What the suite uses of a `DataSource`; 0.3 and 1.x both have it. */
export interface DataSourceLike {
  readonly isInitialized: boolean;
  readonly manager: ManagerLike;
  initialize(): Promise<unknown>;
  destroy(): Promise<void>;
  query(sql: string): Promise<unknown>;
  createQueryRunner(): RunnerLike;
  transaction<Result>(run: (manager: ManagerLike) => Promise<Result>): Promise<Result>;
  transaction<Result>(
    isolation: "SERIALIZABLE" | "REPEATABLE READ",
    run: (manager: ManagerLike) => Promise<Result>,
  ): Promise<Result>;
}

/** The suite's own options in TypeORM's words. */
export interface TypeormOptions {
  readonly type: "postgres";
  readonly url?: string;
  readonly applicationName?: string;
  readonly poolSize?: number;
  readonly connectTimeoutMS?: number;
  readonly extra?: Record<string, string | number>;
  readonly replication?: { master: { url: string }; slaves: { url: string }[] };
}

/** As a service would write them. */
export function typeormOptions(url: string, own: OwnOptions): TypeormOptions {
  return {
    type: "postgres",
    ...(own.replicaUrls === undefined
      ? { url }
      : {
          replication: {
            master: { url },
            slaves: own.replicaUrls.map((slave) => ({ url: slave })),
          },
        }),
    ...(own.applicationName === undefined ? {} : { applicationName: own.applicationName }),
    ...(own.poolMax === undefined ? {} : { poolSize: own.poolMax }),
    ...(own.acquireTimeoutMs === undefined ? {} : { connectTimeoutMS: own.acquireTimeoutMs }),
    ...(own.startup === undefined ? {} : { extra: { ...own.startup } }),
  };
}

/** Both versions behave alike at this level (`field` measurements and this suite), so they share the verbs. */
export async function openTypeorm(
  source: DataSourceLike,
  violations: readonly Violation[],
): Promise<OpenClient> {
  await source.initialize();

  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    if (source.isInitialized) await source.destroy();
  }

  return {
    ...statementsOn(source.manager),
    violations,
    block<Result>(run: (block: Block) => Promise<Result>, { isolation }: BlockOptions = {}) {
      const inside = (manager: ManagerLike): Promise<Result> => run(blockOn(manager));
      if (isolation === undefined) return source.transaction(inside);
      const level = isolation === "serializable" ? "SERIALIZABLE" : "REPEATABLE READ";
      return source.transaction(level, inside);
    },
    async leakBlock(number) {
      const runner = source.createQueryRunner();
      await runner.connect();
      await runner.startTransaction();
      await runner.manager.getRepository("Invoice").save({ number });
      return { query: async (sql) => rowsOf(await runner.query(sql)) };
    },
    async take() {
      const runner = source.createQueryRunner();
      await runner.connect();
      return {
        query: async (sql) => rowsOf(await runner.query(sql)),
        begin: () => runner.startTransaction(),
        release: () => runner.release(),
      };
    },
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

function blockOn(manager: ManagerLike): Block {
  return {
    ...statementsOn(manager),
    nested: (run) => manager.transaction((inner) => run(statementsOn(inner))),
  };
}

function statementsOn(manager: ManagerLike): Statements {
  const invoices = (): RepositoryLike => manager.getRepository("Invoice");
  return {
    query: async (sql) => rowsOf(await manager.query(sql)),
    async insert(number, lines = []) {
      await invoices().save({
        number,
        ...(lines.length === 0 ? {} : { lines: lines.map(lineOf) }),
      });
    },
    async find(number): Promise<Invoice | undefined> {
      const found = await invoices().findOne({
        where: { number },
        relations: { lines: true },
        order: { lines: { id: "ASC" } },
      });
      if (found === null) return undefined;
      return {
        number,
        total: found.total ?? 0,
        lines: (found.lines ?? []).map((line) => line.text),
      };
    },
    async setTotal(number, total) {
      await invoices().update({ number }, { total });
    },
    async remove(number) {
      await invoices().delete({ number });
    },
  };
}

function lineOf(text: string): LineEntity {
  return { text };
}

/** `query()` answers an array of rows for SELECT, and `[rows, count]` or nothing for the rest. */
function rowsOf(answer: unknown): readonly Row[] {
  return Array.isArray(answer) ? answer.filter(isRow) : [];
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
