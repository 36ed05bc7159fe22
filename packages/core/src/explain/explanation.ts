import type { PolicyErrorCode } from "../errors.ts";
import type { AuthFault } from "./families/auth.ts";
import type { DriverFault } from "./families/driver.ts";
import type { NetworkFault } from "./families/network.ts";
import type { OrmFault } from "./families/orm.ts";
import type { PoolerFault } from "./families/pooler.ts";
import type { ServerFault } from "./families/server.ts";
import type { StatementFault } from "./families/statement.ts";
import type { TlsFault } from "./families/tls.ts";
import type { Retryable } from "./fault.ts";

/** Faults that are recognised from what a pooler, a server, node or a driver says. Never renamed. */
export type KnownFault =
  | AuthFault
  | DriverFault
  | NetworkFault
  | OrmFault
  | PoolerFault
  | ServerFault
  | StatementFault
  | TlsFault;

/**
 * One name for one fault, whichever ORM wrapped it: `family.name`, and `policy.<code>` for a
 * `PolicyError` of ours. Names are never renamed; new ones may come.
 */
export type FaultKind = KnownFault | `policy.${PolicyErrorCode}`;

/** What an error means, as data: holds no text of the server, no statement and no secret. */
export interface Explanation {
  readonly kind: FaultKind;
  readonly retryable: Retryable;
  /** What happened to the connection, the server or the other clients, in plain words. */
  readonly sentence: string;
  /** One imperative sentence: "Set …", "Move …". */
  readonly hint: string;
  /** The address of the fault's page. */
  readonly docs: string;
}
