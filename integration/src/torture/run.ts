import { Command, InvalidArgumentError } from "commander";
import { asText } from "./as-text.ts";
import { torture } from "./torture.ts";

interface Options {
  readonly units: number;
  readonly seed: number;
  readonly only?: readonly number[];
  readonly pooler: string;
  readonly lanes: number;
  readonly json: boolean;
  readonly allowDownload: boolean;
}

/** How long the process may live on when everything is closed. */
const EXIT_MS = 5_000;

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new InvalidArgumentError("Give a whole number.");
  }
  return number;
}

// What the adapters warn about is what units provoke.
process.removeAllListeners("warning");

const program = new Command("torture")
  .description("Runs units of work at random against real servers, and asks what became of them.")
  .option("--units <count>", "how many", whole, 500)
  .option("--seed <number>", "the same seed makes the same units", whole, 1)
  .option("--only <indices>", "only these units of the seed: 17,23", (text) =>
    text.split(",").map(whole),
  )
  .option("--pooler <version>", "the PgBouncer version", "1.24")
  .option("--lanes <count>", "how many units run at a time", whole, 8)
  .option("--json", "the report as one JSON object", false)
  .option("--allow-download", "fetch servers that this machine does not have", false)
  .exitOverride((exit) => {
    process.exit(exit.exitCode === 0 ? 0 : 2);
  });

const options = program.parse().opts<Options>();
if (!options.json) process.stdout.write(`seed ${options.seed}\n`);
const report = await torture({
  ...options,
  onProgress(done) {
    if (!options.json && done % 1_000 === 0) process.stdout.write(`${done} units\n`);
  },
});
process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : asText(report));
process.exitCode = report.broken.length > 0 ? 1 : 0;

// Nothing of ours may hold the process; the timer holds it neither.
setTimeout(() => {
  const held = process.getActiveResourcesInfo().join(", ");
  process.stderr.write(`The process does not end by itself; it is held by: ${held}\n`);
  process.exit(1);
}, EXIT_MS).unref();
