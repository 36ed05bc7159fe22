/**
 * A value that a statement names: a constant of the text, a bound parameter (`$3` is
 * `{ parameter: 3 }`), or `undefined` for what only the server can compute.
 */
export type Operand = string | { readonly parameter: number } | undefined;

/** How long a setting lasts: for the session, or until the transaction ends. */
export type SettingScope = "session" | "transaction";

/**
 * What one statement does to the session that runs it, beyond the rows it reads and writes. Names of
 * parameters are in lower case, as Postgres compares them; other names as Postgres keeps them.
 *
 * - `set`: a run-time parameter, by `SET`, `RESET`, `set_config()` or what stands for them (`SET ROLE`,
 *   `SET TIME ZONE`, `SET NAMES`, `SET SESSION AUTHORIZATION`, `SET SESSION CHARACTERISTICS`). `parameter`
 *   is `"all"` for `RESET ALL`, and `undefined` for an `UPDATE` of `pg_settings` (by `"update"`) and for a name
 *   that cannot be read. The scope of `set_config()` may be bound or computed. `setseed()` sets `seed`. A
 *   parameter that was not known before is `''` after its transaction, and not unknown again (PostgreSQL 15).
 *   `isReadable`, of `standard_conforming_strings` and `client_encoding` alone, by which every later text is
 *   read: whether the value is shown to be one with which a text means what it shows, or what is bound to it;
 *   of a name that is bound it is told as well.
 * - `set-transaction`: `SET TRANSACTION`, `SET CONSTRAINTS`: of the current transaction.
 * - `transaction-control`: what `transactionControlsIn` gives, save `SET TRANSACTION`.
 * - `session-lock`, `session-unlock`: advisory locks of the session, by function.
 * - `transaction-lock`: `LOCK TABLE` (its `call` is `"lock"`) and `pg_advisory_xact_lock` and its kin.
 * - `listen`, `unlisten`, `notify`: channels (`"*"` for all, `""` for one that `pg_notify()` is given by a
 *   parameter or an expression).
 * - `cursor`: `DECLARE`; `fetch`: `FETCH`, `MOVE`, `CLOSE`, by name (`"all"` for `CLOSE ALL`).
 * - `temp`: a temporary table, view or sequence that is made, and what else is made in the schema `pg_temp`, save
 *   operators, their classes and families, and what belongs to text search.
 * - `prepare`, `execute`, `deallocate`: prepared statements of SQL (`isAll` for `DEALLOCATE ALL`).
 * - `discard`: `DISCARD ALL`, `PLANS`, `SEQUENCES`, `TEMP`.
 * - `load`: a library.
 * - `sequence`: `nextval`, `setval`; `sequence-read`: `currval`, `lastval`, which read what this session did.
 * - `needs-autocommit`: refused inside a block (`VACUUM`, `CREATE INDEX CONCURRENTLY`, `CREATE DATABASE`, …).
 * - `copy`: `COPY … FROM STDIN` or `TO STDOUT`.
 * - `opaque`: a `DO`, a `CALL`, or a function that is not known to be harmless: what it does cannot be
 *   read from the text. Its `name` is `""` where that cannot be read.
 */
export type EffectOf =
  | {
      readonly kind: "set";
      readonly parameter: Operand;
      readonly scope: SettingScope | { readonly parameter: number } | undefined;
      readonly by: "set" | "reset" | "set_config" | "setseed" | "update";
      readonly isReadable?: boolean | { readonly parameter: number };
    }
  | { readonly kind: "set-transaction" }
  | { readonly kind: "transaction-control" }
  | { readonly kind: "session-lock"; readonly call: string }
  | { readonly kind: "session-unlock"; readonly call: string }
  | { readonly kind: "transaction-lock"; readonly call: string }
  | { readonly kind: "listen" | "unlisten" | "notify"; readonly channel: string }
  | { readonly kind: "cursor"; readonly name: string; readonly isHeld: boolean }
  | { readonly kind: "fetch"; readonly name: string }
  | { readonly kind: "temp"; readonly name: string; readonly isDroppedOnCommit: boolean }
  | { readonly kind: "prepare" | "execute"; readonly name: string }
  | { readonly kind: "deallocate"; readonly name: string; readonly isAll: boolean }
  | { readonly kind: "discard"; readonly what: "all" | "plans" | "sequences" | "temp" }
  | { readonly kind: "load" }
  | { readonly kind: "sequence" | "sequence-read"; readonly call: string }
  | { readonly kind: "needs-autocommit"; readonly command: string }
  | { readonly kind: "copy" }
  | { readonly kind: "opaque"; readonly by: "do" | "call" | "function"; readonly name: string };

/** An effect, and where the text shows it. */
export type Effect = EffectOf & {
  /** Which statement of the text, from 0. */
  readonly statement: number;
  /** Offset of the word that shows it, in UTF-16 units. */
  readonly at: number;
};

export type EffectKind = Effect["kind"];

/** What a whole text does. */
export interface Effects {
  /** In the order of the text; empty for ordinary SQL. */
  readonly effects: readonly Effect[];
  /** How many statements the text has; empty ones do not count. */
  readonly statements: number;
}
