import type { KnownFault } from "./explanation.ts";
import { authFaults, authSignatures } from "./families/auth.ts";
import { driverFaults, driverSignatures } from "./families/driver.ts";
import { neonSignatures } from "./families/neon.ts";
import { networkFaults, networkSignatures } from "./families/network.ts";
import { ormFaults, ormSignatures } from "./families/orm.ts";
import { pgdogSignatures } from "./families/pgdog.ts";
import { poolerSignatures } from "./families/pooler-signatures.ts";
import { poolerFaults } from "./families/pooler.ts";
import { serverFaults, serverSignatures } from "./families/server.ts";
import { statementFaults, statementSignatures } from "./families/statement.ts";
import { tlsFaults, tlsSignatures } from "./families/tls.ts";
import type { Fault, Signature } from "./fault.ts";

/** Every fault that can be recognised. */
export interface KnownFaults {
  /** What is said about each. */
  readonly faults: Readonly<Record<KnownFault, Fault>>;
  /**
   * How each is recognised, in this order: texts of poolers before the SQLSTATE that they share with
   * PostgreSQL (PgDog shuts down with 57P01, Odyssey is full with 53300).
   */
  readonly signatures: readonly Signature<KnownFault>[];
}

let known: KnownFaults | undefined;

/** Made at the first error: every process imports them, and a good one explains none. */
export function knownFaults(): KnownFaults {
  return (known ??= { faults: allFaults(), signatures: allSignatures() });
}

function allFaults(): KnownFaults["faults"] {
  return {
    ...authFaults(),
    ...driverFaults(),
    ...networkFaults(),
    ...ormFaults(),
    ...poolerFaults(),
    ...serverFaults(),
    ...statementFaults(),
    ...tlsFaults(),
  };
}

function allSignatures(): KnownFaults["signatures"] {
  return [
    ...poolerSignatures(),
    ...pgdogSignatures(),
    ...neonSignatures(),
    ...tlsSignatures(),
    ...authSignatures(),
    ...statementSignatures(),
    ...serverSignatures(),
    ...driverSignatures(),
    ...networkSignatures(),
    ...ormSignatures(),
  ].toSorted((one, other) => rank(one) - rank(other));
}

function rank({ from, text, routine }: Signature): number {
  if (text === undefined && routine === undefined) return 2;
  return from === "pooler" ? 0 : 1;
}
