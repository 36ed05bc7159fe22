import type { KnownFault } from "./explanation.ts";
import { authFaults, authSignatures } from "./families/auth.ts";
import { driverFaults, driverSignatures } from "./families/driver.ts";
import { networkFaults, networkSignatures } from "./families/network.ts";
import { ormFaults, ormSignatures } from "./families/orm.ts";
import { poolerSignatures } from "./families/pooler-signatures.ts";
import { poolerFaults } from "./families/pooler.ts";
import { serverFaults, serverSignatures } from "./families/server.ts";
import { statementFaults, statementSignatures } from "./families/statement.ts";
import { tlsFaults, tlsSignatures } from "./families/tls.ts";
import type { Fault, Signature } from "./fault.ts";

/** Every fault that can be recognised, with what is said about it. */
export const faults: Readonly<Record<KnownFault, Fault>> = {
  ...authFaults,
  ...driverFaults,
  ...networkFaults,
  ...ormFaults,
  ...poolerFaults,
  ...serverFaults,
  ...statementFaults,
  ...tlsFaults,
};

/**
 * How each is recognised, in this order: texts of poolers before the SQLSTATE that they share with
 * PostgreSQL (PgDog shuts down with 57P01, Odyssey is full with 53300).
 */
export const signatures: readonly Signature<KnownFault>[] = [
  ...poolerSignatures,
  ...tlsSignatures,
  ...authSignatures,
  ...statementSignatures,
  ...serverSignatures,
  ...driverSignatures,
  ...networkSignatures,
  ...ormSignatures,
].toSorted((one, other) => rank(one) - rank(other));

function rank({ from, text, routine }: Signature): number {
  if (from === "pooler") return 0;
  return text === undefined && routine === undefined ? 2 : 1;
}
