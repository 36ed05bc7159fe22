import { statementsIn } from "@doorpolicy/core";

import { soon } from "../clock.ts";
import {
  isClientClass,
  type PgClient,
  type PgQuery,
  type PgQueryConstructor,
} from "../driver/pg-internals.ts";
import { controlTextOf, type QueryCall, sendPrepared, textOf } from "../driver/query-forms.ts";

/** A statement as it was asked for, made into the query object that pg would have made. */
export interface AskedQuery {
  readonly query: PgQuery;
  /** `undefined` for cursors and what else brings its own protocol. */
  readonly text: string | undefined;
  /** The same, and what is known of the others: where transaction control is looked for. */
  readonly controlText: string | undefined;
  /** One statement that can travel between others in one batch: no name, no limit of rows, no protocol of its own. */
  readonly isBatchable: boolean;
}

/**
 * Makes the query of a call and hands it to `accept`; answers in the form it was asked in. `Own` is the
 * query class of the connection's own `pg`: another version's sends what this connection does not know.
 */
export function acceptCall(
  call: QueryCall,
  Query: PgQueryConstructor,
  accept: (asked: AskedQuery) => void,
  prepare: (query: PgQuery) => void = () => undefined,
  Own: PgQueryConstructor = Query,
): unknown {
  const text = textOf(call.config, Query) ?? textOf(call.config, Own);
  const controlText = text ?? controlTextOf(call.config, Own);
  return sendPrepared(
    call,
    Own,
    (config, values, callback) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sendPrepared gives what has a submit().
      const query = config as PgQuery;
      query.callback ??= [values, callback].find((value) => isCallback(value));
      if (query.callback !== undefined) query.callback = uncaught(query.callback);
      const isBatchable = text !== undefined && query instanceof Own && isOneStatement(query, text);
      accept({ query, text, controlText, isBatchable });
      return query;
    },
    prepare,
  );
}

/** The query class of the `pg` that made a connection. */
export function queryClassOf(client: PgClient): PgQueryConstructor | undefined {
  const { constructor } = client;
  return isClientClass(constructor) ? constructor.Query : undefined;
}

function isOneStatement({ name, rows }: PgQuery, text: string): boolean {
  if (name || rows) return false;
  // In a COPY the server ignores the Sync of a batch, and would wait for another one.
  if (!text.includes(";") && !/copy/iu.test(text)) return true;
  const [first] = statementsIn(text);
  return first === undefined || (first.isOnly && first.words[0] !== "copy");
}

/** What a callback throws is an uncaught exception, and no error of the statement: that was answered. */
function uncaught(callback: NonNullable<PgQuery["callback"]>): NonNullable<PgQuery["callback"]> {
  return (error, result) => {
    try {
      callback(error, result);
    } catch (thrown) {
      soon(() => {
        throw thrown;
      });
    }
  };
}

function isCallback(value: unknown): value is (error: unknown, result?: unknown) => void {
  return typeof value === "function";
}
