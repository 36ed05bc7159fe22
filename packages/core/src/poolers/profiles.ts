import type { PoolerKind } from "../pooler.ts";
import { NEON } from "./neon.ts";
import { ODYSSEY } from "./odyssey.ts";
import { PGBOUNCER } from "./pgbouncer.ts";
import { PGCAT } from "./pgcat.ts";
import { PGDOG } from "./pgdog.ts";
import type { PoolerProfile } from "./profile.ts";
import { RDS_PROXY } from "./rds-proxy.ts";
import { SUPAVISOR } from "./supavisor.ts";

/** What is known of each kind of pooler. */
export const PROFILES: Readonly<Record<Exclude<PoolerKind, "none">, PoolerProfile>> = {
  pgbouncer: PGBOUNCER,
  supavisor: SUPAVISOR,
  neon: NEON,
  "rds-proxy": RDS_PROXY,
  pgcat: PGCAT,
  pgdog: PGDOG,
  odyssey: ODYSSEY,
};
