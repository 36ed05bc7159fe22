import { writeFile } from "node:fs/promises";
import type { Results } from "./results.ts";
import { markdownTable } from "./table.ts";

const BENCH = new URL("../../", import.meta.url);

/** Writes what a whole run leaves behind: `results.json` and `results.md`. */
export async function writeReport(results: Results): Promise<void> {
  await writeFile(new URL("results.json", BENCH), `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(new URL("results.md", BENCH), `${markdownTable(results.ratios)}\n`);
}
