import { AsyncLocalStorage } from "node:async_hooks";

import { PolicyError } from "@doorpolicy/core";
import { currentAllowance, currentUnit, type Unit } from "@doorpolicy/pg";

import type { SqlDriverAdapter } from "./driver-adapter.ts";
import { refuseUnguardedClient } from "./unguarded-client.ts";

/** What `prisma.$extends()` takes, and what leaves the client's types as they are. */
export type UnitsExtension = (client: object) => {
  readonly $extends: {
    readonly extArgs: Readonly<Record<"client" | "model" | "query" | "result", Nothing>>;
  };
};

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- Prisma's own word for "adds nothing".
type Nothing = Record<never, never>;

/**
 * Keeps the lookups of different units of work apart, and those in an `allowing()` from those beside it:
 * `new PrismaClient(…).$extends(units)`.
 *
 * Prisma merges the `findUnique` and `findUniqueOrThrow` calls of one tick into one statement, and
 * sends all that it collected in a tick, statements inside its transactions and `$transaction([…])`
 * included, in the async context of whoever came first. So a lookup of one unit went out on another
 * unit's connection, with that one's tenant set (measured on 7.10: 200 of 200; 6.16, 6.19 and 7.0
 * collect in the same way); likewise a lookup that nobody had allowed went out under the `allowing()` of
 * whoever came first. After this each unit has a collector of its own, and each `allowing()` in it or
 * outside: its lookups are still merged with each other, at once, whatever other extensions do before or
 * after. Outside of both nothing changes.
 *
 * It makes no copy: the client itself is changed and comes back, so `$on`, the clients of its
 * transactions and those made of it by `$extends` have it too, in any order. A second time does
 * nothing.
 *
 * A unit with `setLocal`, a `transaction()` and an `allowing()` refuse a client without it
 * (`unit/needs-extension`). Throws `PolicyError`
 * `driver/unsupported` for a client whose collector is not where Prisma 6.16 to 7.10 has it: better
 * than a foreign tenant's row. And `driver/native` or `options/refused` for one that no unit reaches: on
 * Prisma's own engine, or with an adapter that did not go through `withPolicy`.
 */
export const units: UnitsExtension = (client) => {
  const { handler, engine } = internalsOf(client);
  refuseUnguardedClient(client);
  if (SPLIT in handler.dataloader) return asExtended(client);
  handler.dataloader = split(handler.dataloader);
  const start = engine.transaction;
  // Interactive transactions start past the collector.
  engine.transaction = (...given) => marked(() => Reflect.apply(start, engine, given));
  return asExtended(client);
};

/**
 * Makes an adapter refuse what comes from a client without {@link units} while the caller is in a
 * `transaction()`, a unit with `setLocal` or an `allowing()`, in every mode: each of them is there because
 * somebody asked for it. Only the ways in are held: a transaction that was let in is.
 */
export function refusingStrangers(adapter: SqlDriverAdapter): SqlDriverAdapter {
  const queryRaw = adapter.queryRaw.bind(adapter);
  const executeRaw = adapter.executeRaw.bind(adapter);
  const startTransaction = adapter.startTransaction.bind(adapter);
  adapter.queryRaw = async (query) => {
    refuseStranger();
    return await queryRaw(query);
  };
  adapter.executeRaw = async (query) => {
    refuseStranger();
    return await executeRaw(query);
  };
  adapter.startTransaction = async (isolationLevel) => {
    refuseStranger();
    return await startTransaction(isolationLevel);
  };
  return adapter;
}

function refuseStranger(): void {
  const isInUnit = isKeptApart(currentUnit());
  if (!isInUnit && currentAllowance() === undefined) return;
  if (marks().getStore() === true) return;
  const what = isInUnit
    ? "Prisma merges lookups of one tick across units of work, so this client could read in another one's transaction and with its `setLocal`."
    : "Prisma sends the lookups of one tick in the name of whoever came first, so what `allowing()` allows here could hold for another request's.";
  throw new PolicyError("unit/needs-extension", what, {
    path: "$extends",
    hint: "Add `.$extends(units)` of @doorpolicy/prisma to the PrismaClient.",
  });
}

/** Where a lookup of somebody else's would be wrong: with settings, and in a `transaction()`. */
function isKeptApart(unit: Unit | undefined): boolean {
  if (unit === undefined) return false;
  return unit.kind === "transaction" || unit.setLocal !== undefined || isKeptApart(unit.parent);
}

/** The collector of Prisma's client, as far as it is used here. */
interface DataLoader {
  readonly options: object;
  request(request: object): Promise<unknown>;
}

/** What is read and replaced of a client; private, the same in 6.16, 6.19, 7.0 and 7.10. */
interface ClientInternals {
  readonly handler: { dataloader: DataLoader };
  readonly engine: { transaction: (...given: unknown[]) => unknown };
}

/** Seen by every copy of this package, and so are {@link marks}: ESM and CJS meet in one process. */
const SPLIT = Symbol.for("doorpolicy/prisma-split");
const MARKS = Symbol.for("doorpolicy/prisma-marks");

/**
 * One collector for each unit and each allowance in it, made as Prisma makes its own; Prisma's own where there
 * is neither. Each goes with what it is for.
 */
function split(outside: DataLoader): DataLoader {
  const places = new WeakMap<object, WeakMap<object, DataLoader>>();
  const loaderOf = (unit: object = NONE, allowance: object = NONE): DataLoader => {
    let ofUnit = places.get(unit);
    if (ofUnit === undefined) places.set(unit, (ofUnit = new WeakMap()));
    const known = ofUnit.get(allowance);
    if (known !== undefined) return known;
    const loader: DataLoader = Reflect.construct(outside.constructor, [outside.options]);
    ofUnit.set(allowance, loader);
    return loader;
  };
  return Object.defineProperty(
    {
      options: outside.options,
      request: (request: object): Promise<unknown> => {
        const unit = currentUnit();
        const allowance = currentAllowance();
        if (unit === undefined && allowance === undefined) return outside.request(request);
        return marks().run(true, () => loaderOf(unit, allowance).request(request));
      },
    },
    SPLIT,
    { value: true },
  );
}

/** Stands for no unit, and for no allowance. */
const NONE: object = {};

/** Calls `run` such that the adapter, below Prisma's engine, knows a client with {@link units}. */
function marked<Result>(run: () => Result): Result {
  const isPlain = currentUnit() === undefined && currentAllowance() === undefined;
  return isPlain ? run() : marks().run(true, run);
}

function marks(): AsyncLocalStorage<true> {
  const holder = globalThis as typeof globalThis & { [MARKS]?: AsyncLocalStorage<true> };
  return (holder[MARKS] ??= new AsyncLocalStorage<true>());
}

function internalsOf(client: object): ClientInternals {
  const handler: unknown = Reflect.get(client, "_requestHandler");
  const engine: unknown = Reflect.get(client, "_engine");
  if (hasLoader(handler) && hasTransaction(engine)) return { handler, engine };
  throw new PolicyError(
    "driver/unsupported",
    "This client does not merge lookups where Prisma 6.16 to 7.10 does, so those of different units of work cannot be kept apart.",
    { path: "$extends(units)", hint: "Extend a PrismaClient of @prisma/client 6.16 to 7.10." },
  );
}

function hasLoader(value: unknown): value is ClientInternals["handler"] {
  return isObject(value) && "dataloader" in value && isLoader(value.dataloader);
}

function isLoader(value: unknown): value is DataLoader {
  return (
    isObject(value) &&
    "request" in value &&
    typeof value.request === "function" &&
    "options" in value &&
    isObject(value.options)
  );
}

function hasTransaction(value: unknown): value is ClientInternals["engine"] {
  return isObject(value) && "transaction" in value && typeof value.transaction === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function asExtended(client: object): ReturnType<UnitsExtension> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has no `extArgs` at run time; Prisma's types read them here.
  return client as ReturnType<UnitsExtension>;
}
