import { conformance, isInCut } from "./conformance.ts";

conformance("pgbouncer-1.24", isInCut);
