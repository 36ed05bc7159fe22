import { brokenPromises, demoJson } from "../demo/demo-report.ts";
import { missingPeers } from "../demo/peers.ts";
import { runDemo } from "../demo/run-demo.ts";
import { OBSERVER_NAME } from "../demo/servers-view.ts";
import { demoTable } from "../demo/table.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { onInterruption } from "../interruption.ts";
import { colorsFor, complain, print } from "../output.ts";
import { startProgress } from "../progress.ts";
import { progressText } from "../testbed-progress.ts";

/** What `doorpolicy demo` was told. */
export interface DemoFlags {
  readonly json: boolean;
  readonly allowDownload: boolean;
  readonly keep: boolean;
}

/**
 * Starts real servers, runs two services through the same bad day without and with the policy, and
 * prints what Postgres and the pooler saw. Stops everything it started, also when it is interrupted.
 */
export async function demoCommand(flags: DemoFlags): Promise<ExitCode> {
  const missing = missingPeers();
  if (missing.length > 0) {
    await complain(
      `The demo's two services need ${missing.join(", ")}, not installed here. Run \`npm install ${missing.join(" ")}\`.`,
    );
    return EXIT.cannotJudge;
  }

  const interruption = onInterruption();
  const progress = startProgress();
  try {
    const { startTestbed } = await import("@doorpolicy/testbed");
    await using testbed = await startTestbed({
      postgres: { version: "17" },
      pooler: { kind: "pgbouncer", version: "1.24.1" },
      poolMode: "transaction",
      allowDownload: flags.allowDownload,
      signal: interruption.signal,
      onProgress: (event) => progress.say(progressText(event)),
    });
    const { Client } = (await import("pg")).default;
    const postgres = new Client({
      connectionString: testbed.urls.direct,
      application_name: OBSERVER_NAME,
    });
    // A server that goes away is told by the query that needs it.
    postgres.on("error", () => {});
    await postgres.connect();

    const report = await runDemo({
      servers: { postgres, admin: (command) => testbed.admin(command) },
      versions: {
        postgres: testbed.versions.postgres,
        pgbouncer: testbed.versions.pooler ?? "unknown",
        poolMode: "transaction",
      },
      pooledUrl: testbed.urls.pooled,
      onProgress: (text) => progress.say(text),
      signal: interruption.signal,
    }).finally(() => postgres.end());
    progress.end();

    await print(flags.json ? demoJson(report) : demoTable(report, colorsFor(process.stdout)));
    const broken = brokenPromises(report);
    if (broken.length > 0)
      await complain(`The policy did not keep its word:\n  ${broken.join("\n  ")}`);
    if (flags.keep) {
      await complain(
        `The servers stay up until Ctrl-C.\n  pooled  ${testbed.urls.pooled}\n  direct  ${testbed.urls.direct}`,
      );
      await interruption.happened;
    }

    return broken.length > 0 ? EXIT.found : EXIT.clean;
  } catch (error) {
    // What was being started says that it was told to stop; whoever pressed Ctrl-C knows.
    if (interruption.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    progress.end();
    interruption.release();
  }
}
