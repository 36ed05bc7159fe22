import { findPeer, loadPeer, peerAnchors } from "@doorpolicy/pg";

/**
 * The `pg` that TypeORM itself would load: from where TypeORM is installed, else from the
 * application. Never a copy of our own. `PolicyError` `driver/missing` where there is none.
 */
export function applicationPg(anchors: readonly string[] = peerAnchors(import.meta.url)): unknown {
  const typeorm = findPeer("typeorm", anchors);
  return loadPeer("pg", typeorm === undefined ? anchors : [typeorm, ...anchors]);
}
