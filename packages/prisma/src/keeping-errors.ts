import { isPolicyError } from "@doorpolicy/core";

import type { SqlDriverAdapter, SqlTransaction } from "./driver-adapter.ts";

const OF_BOTH = ["queryRaw", "executeRaw"] as const;
const OF_TRANSACTION = [
  ...OF_BOTH,
  "commit",
  "rollback",
  "createSavepoint",
  "rollbackToSavepoint",
  "releaseSavepoint",
] as const;

/**
 * Lets an error of ours be found in what Prisma makes of it. Prisma turns every error that has a code
 * into a class of its own: code and words are kept, the error and its cause are lost. Of `meta` it
 * keeps what it finds (7.10), and puts a driver's errors there as `driverAdapterError`; so ours is there,
 * too, for `explainError` and for whoever looks along the chain.
 */
export function keepingErrors(adapter: SqlDriverAdapter): SqlDriverAdapter {
  keep(adapter, OF_BOTH);
  const start = adapter.startTransaction.bind(adapter);
  adapter.startTransaction = async (isolationLevel) => {
    const transaction = await start(isolationLevel).catch(rethrow);
    keep<SqlTransaction>(transaction, OF_TRANSACTION);
    return transaction;
  };
  return adapter;
}

function keep<Target extends object>(
  target: Target,
  methods: readonly (keyof Target & string)[],
): void {
  for (const method of methods) {
    const call: unknown = target[method];
    if (typeof call !== "function") continue;
    Reflect.set(target, method, async (...given: unknown[]): Promise<unknown> => {
      try {
        return await Reflect.apply(call, target, given);
      } catch (error) {
        return rethrow(error);
      }
    });
  }
}

function rethrow(error: unknown): never {
  if (isPolicyError(error) && !("meta" in error)) {
    // Not enumerable: printed, an error would show itself inside itself.
    Object.defineProperty(error, "meta", { value: { driverAdapterError: error } });
  }
  throw error;
}
