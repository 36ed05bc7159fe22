import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { clients } from "../clients/registry.ts";
import { scenarios } from "../scenarios/registry.ts";
import { matrixServers } from "../server.ts";
import { collect } from "./collect.ts";
import { differences } from "./differences.ts";
import { markdownOf } from "./markdown.ts";
import { type Matrix, matrixOf } from "./matrix.ts";

const JSON_FILE = new URL("../../../docs/matrix.json", import.meta.url);
const MARKDOWN_FILE = new URL("../../../docs/matrix.md", import.meta.url);

const program = new Command("matrix")
  .description(
    "Runs every client × PgBouncer version with and without the policy, and writes docs/matrix.md.",
  )
  .option("--check", "write nothing; fail when the committed table does not fit the run", false)
  .option("--allow-download", "fetch servers that this machine does not have", false)
  .exitOverride((exit) => {
    process.exit(exit.exitCode === 0 ? 0 : 2);
  });
const { check, allowDownload } = program.parse().opts<{ check: boolean; allowDownload: boolean }>();

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const runs = await collect(matrixServers, { allowDownload, onRun: (title) => say(`ran ${title}`) });
const matrix = matrixOf(clients, scenarios, runs);

for (const { server, with: records } of runs) {
  for (const { scenario, client, result, reason } of records) {
    if (result === "fail") say(`with the policy: ${server.id}, ${client}, ${scenario}: ${reason}`);
  }
}
for (const { id, skipped } of matrix.servers)
  if (skipped !== undefined) say(`skipped ${id}: ${skipped}`);

if (check) {
  const committed: Matrix = JSON.parse(await readFile(JSON_FILE, "utf8"));
  const found = differences(committed, matrix);
  if ((await readFile(MARKDOWN_FILE, "utf8")) !== markdownOf(committed)) {
    found.push("docs/matrix.md is not what docs/matrix.json makes of it.");
  }
  for (const difference of found) say(difference);
  say(
    found.length === 0 ? "docs/matrix.md fits the run." : "Run `npm run matrix` and commit docs/.",
  );
  process.exitCode = found.length === 0 ? 0 : 1;
} else {
  await writeFile(JSON_FILE, `${JSON.stringify(matrix, null, 2)}\n`);
  await writeFile(MARKDOWN_FILE, markdownOf(matrix));
  say("wrote docs/matrix.json and docs/matrix.md");
}
