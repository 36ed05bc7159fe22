import { Command } from "commander";
import { families } from "./families.ts";
import type { Measured } from "./method/rounds.ts";
import type { Answer, Request } from "./protocol.ts";
import { resultsOf } from "./report/results.ts";
import { line } from "./report/table.ts";
import { writeReport } from "./report/write-report.ts";
import { runFamily } from "./run-family.ts";

const options = new Command("bench")
  .description("Measures ratios side by side, interleaved, with an A/A control. Never a test.")
  .option("--only <name>", "the figures whose names begin so; results.json is left as it is")
  .option("--quick", "all with fewer and shorter rounds")
  .option("--list", "names what can be measured")
  .option("--allow-download", "fetch the servers when they are not here")
  .parse()
  .opts<{ only?: string; quick?: boolean; list?: boolean; allowDownload?: boolean }>();

const chosen: string[] = [];
for (const [family, load] of Object.entries(families)) {
  const figures = (await load()).flatMap((experiment) => experiment.figures);
  const named = figures.filter(({ name }) => name.startsWith(options.only ?? ""));
  if (named.length > 0) chosen.push(family);
  if (options.list === true) {
    for (const { name, what } of named) process.stdout.write(`${name.padEnd(34)} ${what}\n`);
  }
}

if (chosen.length === 0) {
  process.stderr.write(`Nothing begins with "${options.only}". See --list.\n`);
  process.exitCode = 2;
} else if (options.list !== true) {
  await runAll();
}

function requestFor(family: string): Request {
  return {
    family,
    quick: options.quick === true,
    allowDownload: options.allowDownload === true,
    ...(options.only !== undefined && { only: options.only }),
  };
}

async function runAll(): Promise<void> {
  const ratios: Record<string, Measured> = {};
  const skipped: Record<string, string> = {};
  const versions: Record<string, string> = {};
  const meet = (answer: Answer): void => {
    if (answer.kind === "versions") Object.assign(versions, answer.versions);
    if (answer.kind === "skipped") {
      skipped[answer.name] = answer.reason;
      process.stdout.write(`${answer.name.padEnd(34)} skipped: ${answer.reason}\n`);
    }
    if (answer.kind === "measured") {
      ratios[answer.name] = answer.measured;
      process.stdout.write(`${line(answer.name, answer.measured)}\n`);
    }
  };
  for (const family of chosen) {
    const start = performance.now();
    try {
      await runFamily(requestFor(family), meet);
    } catch (error) {
      // The other families are measured all the same: a whole run is long.
      process.stderr.write(`${error instanceof Error ? error.message : "failed"}\n`);
      process.exitCode = 1;
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stderr.write(`${family}: ${seconds} s\n`);
  }
  // A part of the figures would make files that look like those of a whole run.
  if (options.only !== undefined || process.exitCode === 1) return;
  await writeReport(resultsOf(versions, ratios, skipped), { quick: options.quick === true });
}
