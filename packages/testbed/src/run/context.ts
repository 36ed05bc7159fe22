import type { CheckedOptions } from "../check-options.ts";
import type { TestbedOptions } from "../options.ts";
import type { ResolvedPooler, ResolvedPostgres } from "../provision/resolution.ts";
import type { Certificates } from "../tls.ts";
import type { Workspace } from "./workspace.ts";

/** What provisioning brought. */
export interface FoundServers {
  readonly postgres?: ResolvedPostgres;
  readonly pooler?: ResolvedPooler;
}

/** What the steps of starting a testbed share. */
export interface StartContext {
  readonly options: TestbedOptions;
  readonly checked: CheckedOptions;
  readonly workspace: Workspace;
  /** Programs to start; absent where a URL was given or nothing is wanted. */
  readonly found: FoundServers;
  readonly certificates?: Certificates | undefined;
  /** Undone, last first, when the testbed stops or does not come to stand. */
  readonly defer: (undo: () => Promise<void> | void) => void;
}
