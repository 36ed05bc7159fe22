import { conformance, isInCut } from "./conformance.ts";

// What `npm test` leaves out; `npm run test:all` runs both files.
conformance("pgbouncer-1.24", (client, scenario) => !isInCut(client, scenario));
