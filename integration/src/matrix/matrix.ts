import type { ClientId, ClientUnderTest } from "../client.ts";
import type { ScenarioRecord } from "../record.ts";
import type { Scenario } from "../scenario.ts";
import type { ServerRecords } from "./collect.ts";

/** What one scenario, or all of a feature together, said in one cell. */
type CellResult = "pass" | "fail" | "skip";

/** The same client on the same server, plain and with the policy. */
export interface Cell {
  readonly without: CellResult;
  readonly with: CellResult;
}

/** By client, then by server. */
type Cells = Readonly<Record<string, Readonly<Record<string, Cell>>>>;

/** `docs/matrix.json`: everything that the table is made of, and nothing that differs from run to run. */
export interface Matrix {
  readonly clients: readonly {
    readonly id: ClientId;
    readonly title: string;
    readonly version: string;
  }[];
  readonly servers: readonly {
    readonly id: string;
    readonly title: string;
    readonly pgbouncer: string;
    readonly postgres: string;
    /** Why it could not be had where the matrix was run. */
    readonly skipped?: string;
  }[];
  readonly features: readonly {
    readonly feature: string;
    readonly cells: Cells;
    readonly scenarios: readonly {
      readonly id: string;
      readonly title: string;
      readonly cells: Cells;
    }[];
  }[];
}

/** Puts the records of a run into the matrix, in the order of the registries. */
export function matrixOf(
  clients: readonly ClientUnderTest[],
  scenarios: readonly Scenario[],
  runs: readonly ServerRecords[],
): Matrix {
  const byKey = new Map<string, CellResult>();
  for (const run of runs) {
    for (const record of run.without) byKey.set(keyOf("without", record), record.result);
    for (const record of run.with) byKey.set(keyOf("with", record), record.result);
  }

  function cellsOf(ids: readonly string[]): Cells {
    return fromEach(clients, ({ id: client }) =>
      fromEach(
        runs.map(({ server }) => server),
        ({ id: server }) => {
          const side = (which: "without" | "with"): CellResult =>
            together(
              ids.map(
                (scenario) => byKey.get(keyOf(which, { scenario, client, server })) ?? "skip",
              ),
            );
          return { without: side("without"), with: side("with") };
        },
      ),
    );
  }

  const features = [...new Set(scenarios.map(({ feature }) => feature))];
  return {
    clients: clients.map(({ id, title, version }) => ({ id, title, version })),
    servers: runs.map(serverOf),
    features: features.map((feature) => {
      const members = scenarios.filter((scenario) => scenario.feature === feature);
      return {
        feature,
        cells: cellsOf(members.map(({ id }) => id)),
        scenarios: members.map(({ id, title }) => ({ id, title, cells: cellsOf([id]) })),
      };
    }),
  };
}

/** A feature holds where none of its scenarios fails, and is skipped where all of them are. */
function together(results: readonly CellResult[]): CellResult {
  if (results.includes("fail")) return "fail";
  return results.includes("pass") ? "pass" : "skip";
}

function keyOf(
  side: string,
  { scenario, client, server }: Omit<ScenarioRecord, "result" | "reason">,
): string {
  return [side, scenario, client, server].join(" ");
}

function serverOf({ server, with: records }: ServerRecords): Matrix["servers"][number] {
  const { id, title, pgbouncer = "none", postgres } = server;
  const [first] = records;
  const nothingRan = records.every(({ result }) => result === "skip");
  return {
    id,
    title,
    pgbouncer,
    postgres,
    ...(nothingRan && first ? { skipped: first.reason } : {}),
  };
}

function fromEach<Item extends { readonly id: string }, Value>(
  items: readonly Item[],
  valueOf: (item: Item) => Value,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(items.map((item) => [item.id, valueOf(item)]));
}
