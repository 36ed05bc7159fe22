import { PolicyError } from "@doorpolicy/core";
import { findPeer, loadPeer, peerAnchors, type PgModule } from "@doorpolicy/pg";

/**
 * The `pg` that TypeORM itself would load: from where TypeORM is installed, else from the
 * application. Never a copy of our own. `PolicyError` `driver/missing` where there is none.
 */
export function applicationPg(anchors: readonly string[] = peerAnchors(import.meta.url)): PgModule {
  const typeorm = findPeer("typeorm", anchors);
  return pgModule(
    loadPeer("pg", "driver", typeorm === undefined ? anchors : [typeorm, ...anchors]),
  );
}

/** A module with the classes of pg; `PolicyError` `driver/unsupported` for anything else. */
export function pgModule(driver: unknown): PgModule {
  if (isPgModule(driver)) return driver;
  throw new PolicyError(
    "driver/unsupported",
    "`driver` has no `Client` and no `Pool`, so it cannot be guarded.",
    {
      path: "driver",
      hint: 'Pass the module that `require("pg")` gives, or leave `driver` out.',
    },
  );
}

function isPgModule(driver: unknown): driver is PgModule {
  return typeof driver === "object" && driver !== null && "Client" in driver && "Pool" in driver;
}
