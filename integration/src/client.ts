import type { LaneChoice, Policy, Violation } from "@doorpolicy/core";

/** The clients of the suite; part of every result, never renamed. */
export type ClientId = "pg" | "typeorm-1" | "typeorm-0.3" | "prisma-7";

/** What a client can be asked to do beyond the verbs that every client has. */
export type ClientCapability =
  /** Hands out a connection that the application itself gives back. */
  | "hands-out-connections"
  /** Reads from replicas by itself. */
  | "replicates";
/** Reads a result row by row while the server is sending it. */

/** One row as a driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** An invoice with the texts of its lines, in the order in which they were written. */
export interface Invoice {
  readonly number: string;
  readonly total: number;
  readonly lines: readonly string[];
}

/** The verbs of every client, inside a block and outside. All but `query` go through the ORM's model API. */
export interface Statements {
  /** Sends the text as it is. */
  query(sql: string): Promise<readonly Row[]>;
  /** Writes an invoice; with lines it is one nested write. */
  insert(number: string, lines?: readonly string[]): Promise<void>;
  /** Reads an invoice with its lines. */
  find(number: string): Promise<Invoice | undefined>;
  setTotal(number: string, total: number): Promise<void>;
  remove(number: string): Promise<void>;
}

/** An open block of the ORM's own transaction API. */
export interface Block extends Statements {
  /** A block in the block, as the ORM nests them (a savepoint). */
  nested<Result>(run: (inner: Statements) => Promise<Result>): Promise<Result>;
}

/** How a block is opened, in the ORM's own way. */
export interface BlockOptions {
  readonly isolation?: "serializable" | "repeatable read";
}

/** A block that nobody ends: a runner that is never released, a callback that never resolves. */
export interface LeakedBlock {
  /** A statement of the same block, as its forgetful owner would send it later. */
  query(sql: string): Promise<readonly Row[]>;
}

/** A connection that the application took and gives back by hand. */
export interface TakenConnection {
  query(sql: string): Promise<readonly Row[]>;
  /** Opens a block as the ORM does it. */
  begin(): Promise<void>;
  release(): Promise<void>;
}

/** A client that is set up, whatever it has connected so far. */
export interface OpenClient extends Statements, AsyncDisposable {
  /** What the policy reported; stays empty for a plain client. */
  readonly violations: readonly Violation[];
  block<Result>(run: (block: Block) => Promise<Result>, options?: BlockOptions): Promise<Result>;
  /** Opens a block, writes the invoice in it, and never ends it. */
  leakBlock(number: string): Promise<LeakedBlock>;
  /** Only with `hands-out-connections`. */
  take(): Promise<TakenConnection>;
  /** Ends the client in its own way; resolves when the client says so. Doing it twice is once. */
  close(): Promise<void>;
}

/** Options that a service sets itself, translated by each client into its ORM's own words. */
export interface OwnOptions {
  readonly applicationName?: string;
  readonly poolMax?: number;
  readonly acquireTimeoutMs?: number;
  /** What the driver puts into the startup packet: TypeORM's `extra`, Prisma's and pg's pool config. */
  readonly startup?: Readonly<Record<string, string | number>>;
  /** Only with `replicates`. */
  readonly replicaUrls?: readonly string[];
}

/** One policy as it is put on a client, or the plain client as everybody sets it up. */
type Guarding =
  | {
      readonly guarded: true;
      readonly policy: Policy;
      readonly choice: LaneChoice;
      readonly violations: Violation[];
    }
  | { readonly guarded: false };

/** How a client is opened. */
export interface OpenOptions {
  readonly url: string;
  readonly own: OwnOptions;
  readonly guarding: Guarding;
}

/** A library under test. It knows nothing of servers, and scenarios know nothing of it. */
export interface ClientUnderTest {
  readonly id: ClientId;
  /** For titles and the matrix. */
  readonly title: string;
  readonly can: ReadonlySet<ClientCapability>;
  /** The version that is installed. */
  readonly version: string;
  open(options: OpenOptions): Promise<OpenClient>;
}
