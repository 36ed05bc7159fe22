import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { isRecord } from "../is-record.ts";

/**
 * Whom a bare URL is judged for.
 *
 * - `"prisma-engine"`: Prisma 5 and 6 on their native engine, which read URL parameters that
 *   Prisma 7 ignores.
 */
export type UrlClient = "typeorm" | "prisma" | "prisma-engine" | "pg";

/** The clients that the nearest `package.json` upward depends on, Prisma first; `pg` where it says nothing. */
export function clientsNear(folder: string): readonly UrlClient[] {
  const dependencies = nearestDependencies(folder);
  const clients: UrlClient[] = [];
  const prisma = dependencies.get("@prisma/client") ?? dependencies.get("prisma");
  if (prisma !== undefined) {
    const isAdapterBased = dependencies.has("@prisma/adapter-pg") || majorOf(prisma) >= 7;
    clients.push(isAdapterBased ? "prisma" : "prisma-engine");
  }
  if (dependencies.has("typeorm")) clients.push("typeorm");

  // Beside an ORM, `pg` is the ORM's driver, and would say everything twice.
  return clients.length === 0 ? ["pg"] : clients;
}

function nearestDependencies(folder: string): ReadonlyMap<string, string> {
  const manifest = readManifest(join(folder, "package.json"));
  if (manifest !== undefined) return dependenciesOf(manifest);
  const parent = dirname(folder);

  return parent === folder ? new Map() : nearestDependencies(parent);
}

function readManifest(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isRecord(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function dependenciesOf(manifest: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const sections = ["peerDependencies", "devDependencies", "dependencies"].map(
    (key) => manifest[key],
  );

  return new Map(
    sections
      .filter((section) => isRecord(section))
      .flatMap((section) => Object.entries(section))
      .map(([name, range]) => [name, String(range)]),
  );
}

/** The first number of a range; what has none (`latest`, `workspace:*`) is taken as the newest. */
function majorOf(range: string): number {
  const found = /\d+/.exec(range)?.[0];

  return found === undefined ? Number.POSITIVE_INFINITY : Number(found);
}
