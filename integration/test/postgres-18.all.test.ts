import { conformance } from "./conformance.ts";

conformance("pgbouncer-1.26-postgres-18");
