import { poolsOf } from "@doorpolicy/pg";

/**
 * Ends the pools of DataSources that were made with these options, and says how many there were.
 *
 * For a failed `initialize()`: TypeORM then forgets the pools that it opened, with a connection that
 * it has checked out, and its own `destroy()` refuses (0.3.31 and 1.1.1). Give it `dataSource.options`,
 * or what `withPolicy` returned. After a successful `destroy()` there is nothing left to end.
 */
export async function endPools(options: { readonly driver?: unknown } | object): Promise<number> {
  const driver: unknown = "driver" in options ? options.driver : undefined;
  if (typeof driver !== "object" || driver === null || !("Pool" in driver)) return 0;
  const pools = poolsOf(driver);
  await Promise.all(pools.map((pool) => pool.endNow()));
  return pools.length;
}
