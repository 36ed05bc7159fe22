import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Command } from "commander";
import { startTestbed } from "@doorpolicy/testbed";
import { ratios } from "./ratios/index.ts";
import { measure, type Summary } from "./rounds.ts";

const RESULTS = new URL("../results.json", import.meta.url);

const options = new Command("bench")
  .description("Measures ratios side by side, interleaved, with an A/A control.")
  .option("--only <name>", "one ratio, by name")
  .option("--quick", "fewer rounds")
  .option("--allow-download", "fetch the servers when they are not here")
  .parse()
  .opts<{ only?: string; quick?: boolean; allowDownload?: boolean }>();

const chosen = ratios.filter((ratio) => options.only === undefined || ratio.name === options.only);
if (chosen.length === 0) {
  process.stderr.write(
    `No ratio is named "${options.only}". Known: ${ratios.map((r) => r.name).join(", ")}.\n`,
  );
  process.exit(2);
}

await using testbed = await startTestbed({
  allowDownload: options.allowDownload === true,
  poolSize: 20,
});
const measured: Record<string, Summary & { readonly control: Summary }> = {};
for (const ratio of chosen) {
  const { ours, base } = await ratio.open({ pooledUrl: testbed.urls.pooled });
  const { ratio: summary, control } = await measure(ours, base, options.quick === true ? 9 : 31);
  await ours.close();
  await base.close();
  measured[ratio.name] = { ...summary, control };
  process.stdout.write(
    `${ratio.name.padEnd(32)} ${summary.median} (${summary.q25}–${summary.q75}; A/A ${control.q25}–${control.q75})  ${ratio.what}\n`,
  );
}

if (options.only === undefined) {
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    versions: { node: process.versions.node, ...testbed.versions },
    ratios: measured,
  };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}
