import { mkdir, readFile, writeFile } from "node:fs/promises";
import { plotsOf } from "./plots.ts";
import { readmeBlock, withBlock } from "./readme.ts";
import type { Results } from "./results.ts";
import { markdownTable } from "./table.ts";

const BENCH = new URL("../../", import.meta.url);
const README = new URL("../README.md", BENCH);

/**
 * Writes what a whole run leaves behind: `results.json`, `results.md` and `plots/`; after one with all
 * of its rounds also the block of the README.
 */
export async function writeReport(
  results: Results,
  { quick }: { readonly quick: boolean },
): Promise<void> {
  const { date, machine, versions, ratios, skipped = {} } = results;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  await write("results.json", JSON.stringify(results, undefined, 2));
  await write(
    "results.md",
    [
      "# Results",
      `${date}; ${programs.join(", ")}; ${machine}. Written by \`npm run bench\`.`,
      markdownTable(ratios),
      ...Object.entries(skipped).map(([name, reason]) => `\`${name}\` was skipped: ${reason}.`),
    ].join("\n\n"),
  );
  await mkdir(new URL("plots/", BENCH), { recursive: true });
  for (const [file, svg] of plotsOf(ratios)) await write(`plots/${file}`, svg.trimEnd());
  if (quick) return;
  const readme = withBlock(await readFile(README, "utf8"), readmeBlock(results));
  if (readme !== undefined) await writeFile(README, readme);
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(new URL(file, BENCH), `${text}\n`);
}
