import type { AuthMethod, PoolMode, PostgresMajor } from "@doorpolicy/testbed";

import { EXIT, type ExitCode } from "../exit-code.ts";
import { onInterruption } from "../interruption.ts";
import { complain, print } from "../output.ts";
import { startProgress } from "../progress.ts";
import { progressText } from "../testbed-progress.ts";

/** What `doorpolicy testbed` was told. */
export interface TestbedFlags {
  readonly postgres: PostgresMajor;
  readonly pgbouncer: string | undefined;
  readonly poolMode: PoolMode;
  readonly poolSize: number | undefined;
  readonly auth: AuthMethod;
  readonly allowDownload: boolean;
  readonly json: boolean;
}

/**
 * Runs one testbed in the foreground: prints its URLs and its process id, waits for Ctrl-C, SIGTERM
 * or the end of its parent, and leaves neither process nor file behind.
 */
export async function testbedCommand(flags: TestbedFlags): Promise<ExitCode> {
  const interruption = onInterruption();
  const progress = startProgress();
  try {
    const { startTestbed } = await import("@doorpolicy/testbed");
    await using testbed = await startTestbed({
      postgres: { version: flags.postgres },
      pooler: {
        kind: "pgbouncer",
        ...(flags.pgbouncer === undefined ? {} : { version: flags.pgbouncer }),
      },
      poolMode: flags.poolMode,
      ...(flags.poolSize === undefined ? {} : { poolSize: flags.poolSize }),
      auth: flags.auth,
      allowDownload: flags.allowDownload,
      signal: interruption.signal,
      onProgress: (event) => progress.say(progressText(event)),
    });
    progress.end();

    const { urls, versions } = testbed;
    await print(
      flags.json
        ? JSON.stringify({
            urls: {
              pooled: urls.pooled,
              session: urls.session,
              direct: urls.direct,
              admin: urls.admin,
            },
            versions: { postgres: versions.postgres, pgbouncer: versions.pooler ?? null },
            poolMode: flags.poolMode,
            pid: process.pid,
          })
        : [
            `PostgreSQL ${versions.postgres}, PgBouncer ${versions.pooler ?? "unknown"}`,
            `  pooled   ${urls.pooled}   (${flags.poolMode} mode)`,
            `  session  ${urls.session}`,
            `  direct   ${urls.direct}`,
            `  admin    ${urls.admin}`,
          ].join("\n"),
    );
    if (!flags.json) {
      await complain(`pid ${process.pid}; stop with Ctrl-C or kill ${process.pid}`);
    }
    await interruption.happened;

    return EXIT.clean;
  } catch (error) {
    // What was being started says that it was told to stop; whoever pressed Ctrl-C knows.
    if (interruption.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    progress.end();
    interruption.release();
  }
}
