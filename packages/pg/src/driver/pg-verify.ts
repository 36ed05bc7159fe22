import { PolicyError } from "@doorpolicy/core";

import {
  isClientClass,
  isNativeClass,
  isPoolClass,
  type PgClient,
  type PgClientConstructor,
  type PgPoolConstructor,
  unexpectedFieldOf,
} from "./pg-internals.ts";
import { versionOf } from "./pg-version.ts";

/** Oldest and newest pg that the tests of this package run with. */
const TESTED_RANGE = "8.5.1 to 8.23.1";

/**
 * Makes sure that a pg has what the guard relies on, before anything is built on it. Opens nothing.
 *
 * Throws `PolicyError` `driver/native` for the native binding, which no guard can see into, and
 * `driver/unsupported` for everything else that is not as in the tested versions.
 */
export function verifiedPg(pg: { readonly Client: unknown; readonly Pool: unknown }): {
  readonly Client: PgClientConstructor;
  readonly Pool: PgPoolConstructor;
} {
  const { Client, Pool } = pg;
  if (isNativeClass(Client)) {
    throw new PolicyError(
      "driver/native",
      "The native driver keeps its connections where no guard can see them.",
      {
        hint: 'Remove pg-native and NODE_PG_FORCE_NATIVE, and pass the module that require("pg") gives.',
      },
    );
  }
  if (!isClientClass(Client)) throw unsupported(pg, "its Client has other methods");
  if (!isPoolClass(Pool)) throw unsupported(pg, "its Pool has other methods");
  const wrong = wrongPartOf(Client);
  if (wrong !== undefined) throw unsupported(pg, `its Client has another ${wrong}`);
  return { Client, Pool };
}

function wrongPartOf(Client: PgClientConstructor): string | undefined {
  let probe: PgClient;
  try {
    probe = new Client({ host: "127.0.0.1", port: 1 });
  } catch {
    // The environment alone makes it throw (PGSSLNEGOTIATION, say); its own connections will say so.
    return undefined;
  }
  return unexpectedFieldOf(probe);
}

function unsupported(pg: object, difference: string): PolicyError {
  const version = versionOf(pg);
  const what = version === undefined ? "This module" : `pg ${version}`;
  return new PolicyError("driver/unsupported", `${what} cannot be guarded: ${difference}.`, {
    hint: `Use a pg from ${TESTED_RANGE}, the versions that the guard is tested with.`,
  });
}
