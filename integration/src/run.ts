import { Command, InvalidArgumentError } from "commander";
import { clients } from "./clients/registry.ts";
import { humanReporter, jsonReporter } from "./reporter.ts";
import { runServer } from "./run-server.ts";
import { scenarios } from "./scenarios/registry.ts";
import { servers } from "./server.ts";

interface Options {
  readonly client: readonly string[];
  readonly server: readonly string[];
  readonly only?: string;
  readonly unguarded: boolean;
  readonly json: boolean;
  readonly allowDownload: boolean;
}

const clientIds = clients.map(({ id }) => id);
const serverIds = servers.map(({ id }) => id);

/** `--client pg,prisma-7`, or the option given several times; `all` is every one. */
function oneOf(known: readonly string[]): (text: string, before: readonly string[]) => string[] {
  const given: string[] = [];
  return (text) => {
    for (const id of text.split(",")) {
      if (id === "all") given.push(...known);
      else if (known.includes(id)) given.push(id);
      else throw new InvalidArgumentError(`Give one of: ${known.join(", ")}, all.`);
    }
    return given;
  };
}

// What the adapters warn about is what scenarios provoke; between ticks it says nothing.
process.removeAllListeners("warning");

const program = new Command("scenarios")
  .description("Runs the conformance scenarios against real servers.")
  .option("--client <id>", `one of: ${clientIds.join(", ")}, all`, oneOf(clientIds), clientIds)
  .option("--server <id>", `one of: ${serverIds.join(", ")}, all`, oneOf(serverIds), [
    "pgbouncer-1.24",
  ])
  .option("--only <text>", "only scenarios with this text in their id or title")
  .option("--unguarded", "with plain clients: what they fail is what the policy is for", false)
  .option("--json", "one object a line: { scenario, client, server, result, reason }", false)
  .option("--allow-download", "fetch servers that this machine does not have", false)
  .exitOverride((exit) => {
    process.exit(exit.exitCode === 0 ? 0 : 2);
  });

const options = program.parse().opts<Options>();
const wanted = options.only?.toLowerCase() ?? "";
const chosen = scenarios.filter(({ id, title }) =>
  `${id}\n${title}`.toLowerCase().includes(wanted),
);
if (chosen.length === 0)
  program.error(`error: no scenario has "${options.only}" in its id or title`);

const reporter = (options.json ? jsonReporter : humanReporter)((text) => {
  process.stdout.write(text);
});
// What a plain client has left may fail when its scenario has long been judged, which would end the run.
if (options.unguarded) process.on("uncaughtException", () => undefined);
const counts = { pass: 0, fail: 0, skip: 0 };
for (const spec of servers.filter(({ id }) => options.server.includes(id))) {
  const run = {
    clients: clients.filter(({ id }) => options.client.includes(id)),
    scenarios: chosen,
    guarded: !options.unguarded,
    allowDownload: options.allowDownload,
  };
  for (const { result } of await runServer(spec, run, reporter)) counts[result] += 1;
}
reporter.ended(counts);
process.exitCode = counts.fail > 0 ? 1 : 0;
