import { recordOf } from "./record.ts";
import type { Outcome } from "./run-scenario.ts";
import type { RunningServer } from "./running-server.ts";
import type { Scenario } from "./scenario.ts";
import type { ClientUnderTest } from "./client.ts";
import type { ServerSpec } from "./server.ts";

/** Lines of the servers' log that are shown of a failure. */
const LOG_LINES = 40;

/** Says how a run goes. */
export interface Reporter {
  started(server: RunningServer): void;
  ran(scenario: Scenario, client: ClientUnderTest, server: ServerSpec, outcome: Outcome): void;
  ended(counts: Readonly<Record<Outcome["result"], number>>): void;
}

type Write = (text: string) => void;

/** One object a line, for other programs. */
export function jsonReporter(write: Write): Reporter {
  return {
    started: () => {},
    ran(scenario, client, server, outcome) {
      write(`${JSON.stringify(recordOf(scenario.id, client.id, server.id, outcome))}\n`);
    },
    ended: () => {},
  };
}

/** Ticks under a heading for each server, client and group, with reasons, and logs of what failed. */
export function humanReporter(write: Write): Reporter {
  let heading = "";
  return {
    started({ spec, versions }) {
      const pooler = versions.pooler === undefined ? "" : `PgBouncer ${versions.pooler}, `;
      write(`\n${spec.id}: ${pooler}PostgreSQL ${versions.postgres}\n`);
    },
    ran(scenario, client, server, outcome) {
      const group = scenario.id.split("/", 1)[0] ?? "";
      const next = `\n${client.title}, ${server.title} — ${group}\n`;
      if (next !== heading) write(next);
      heading = next;
      write(`  ${linesOf(scenario, outcome)}\n`);
    },
    ended({ pass, fail, skip }) {
      write(`\n${pass} passed, ${fail} failed, ${skip} skipped\n`);
    },
  };
}

function linesOf(scenario: Scenario, outcome: Outcome): string {
  if (outcome.result === "pass") return `✓ ${scenario.title}`;
  if (outcome.result === "skip") return `- ${scenario.title} (${outcome.reason})`;
  const log = outcome.log.trimEnd().split("\n").slice(-LOG_LINES);
  const shown = [`✗ ${scenario.title}  [${scenario.id}]`, `    ${outcome.reason}`];
  for (const line of log) if (line !== "") shown.push(`    | ${line}`);
  return shown.join("\n  ");
}
