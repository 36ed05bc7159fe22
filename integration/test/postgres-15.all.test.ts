import { conformance } from "./conformance.ts";

conformance("pgbouncer-1.24-postgres-15");
