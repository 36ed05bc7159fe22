import type { Lane, Policy } from "@doorpolicy/core";
import type { FaultProxy } from "@doorpolicy/testbed";
import type { ClientCapability, ClientUnderTest, OpenClient, OwnOptions } from "./client.ts";
import type { OwnProcess } from "./frozen/own-process.ts";
import type { RunningServer } from "./running-server.ts";
import type { ServerSpec, ServerTrait } from "./server.ts";

/** How a scenario opens the client under test; the suite's policy and the server's URL are the rest. */
export interface ScenarioOpen {
  /** On top of the suite's policy. A plain client has none. */
  readonly policy?: Policy;
  /** What the service sets itself, in its ORM's words. */
  readonly own?: OwnOptions;
  /** Appended to the URL's query, as a service would write it there. */
  readonly urlParameters?: Readonly<Record<string, string>>;
  /** @default "pooled", and "direct" on a server without a pooler */
  readonly lane?: Lane;
  /** Opens the plain client whatever is under test, to compare with. */
  readonly plain?: boolean;
  /** Connects through this proxy instead of directly. */
  readonly through?: FaultProxy;
  /** Connects to this address instead, which leads to the server. */
  readonly at?: { readonly host: string; readonly port: number };
}

/** What a scenario has in its hands. It names no ORM and no version. */
export interface World {
  readonly server: RunningServer;
  /** The name that the suite's policy gives to connections. */
  readonly name: string;
  /** Opens the client under test; it is closed at the end, whatever happened. */
  readonly open: (options?: ScenarioOpen) => Promise<OpenClient>;
  /** A proxy in front of the server that clients connect to; it is stopped at the end. */
  readonly startProxy: () => Promise<FaultProxy>;
  /** Opens the client under test in a process of its own, which is killed at the end. */
  readonly openInProcess: (options?: ScenarioOpen) => Promise<OwnProcess>;
  /** Sets variables of the process's environment until the end of the scenario. */
  readonly setEnvironment: (variables: Readonly<Record<string, string>>) => void;
}

/** One promise, shown on real servers. */
export interface Scenario {
  /** `group/name`; part of every result, never renamed. */
  readonly id: string;
  /** A sentence about behaviour, that goes on from "pg, through PgBouncer 1.24 in transaction mode". */
  readonly title: string;
  /** The row of the matrix that it belongs to. */
  readonly feature: string;
  /** Plain clients keep it too: life as before, which the policy has to leave alone. */
  readonly ordinary?: true;
  /** Asks about the policy itself; there is nothing to ask of a plain client. */
  readonly policyOnly?: true;
  readonly clientNeeds?: readonly ClientCapability[];
  readonly serverNeeds?: readonly ServerTrait[];
  /** Takes long: not in `npm test`, but in `npm run test:all`, from the shell and in the matrix. */
  readonly wide?: true;
  /** Server connections of the pooler; 1 makes two clients meet on one for certain. */
  readonly poolSize?: number;
  run(world: World): Promise<void>;
}

const CLIENT_LACKS: Readonly<Record<ClientCapability, string>> = {
  "hands-out-connections": "hands no connection to the application",
  replicates: "knows no replicas",
};

const SERVER_LACKS: Readonly<Record<ServerTrait, string>> = {
  pooler: "there is no pooler",
  "transaction-mode": "a server connection stays with its client",
  "refuses-startup-parameters": "startup parameters are accepted",
};

/** Why a scenario cannot be run with a client on a server; `undefined` when it can. */
export function skipReason(
  scenario: Scenario,
  client: ClientUnderTest,
  server: ServerSpec,
  guarded: boolean,
): string | undefined {
  if (server.only !== undefined && !scenario.id.startsWith(server.only)) {
    return `${server.title}, only ${server.only}* is asked`;
  }
  if (scenario.policyOnly && !guarded) return "a plain client has no policy to ask";
  const clientLacks = scenario.clientNeeds?.find((need) => !client.can.has(need));
  if (clientLacks !== undefined) return `${client.title} ${CLIENT_LACKS[clientLacks]}`;
  const serverLacks = scenario.serverNeeds?.find((need) => !server.traits.has(need));
  if (serverLacks !== undefined) return `${server.title}, ${SERVER_LACKS[serverLacks]}`;
  return undefined;
}
