import { readFileSync } from "node:fs";

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

import type { DemoFlags } from "./commands/demo.ts";
import type { CheckFlags } from "./commands/check.ts";
import type { TestbedFlags } from "./commands/testbed.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { isRecord } from "./is-record.ts";
import { complain } from "./output.ts";
import { failureLines } from "./report/failure.ts";

/** How a run ended. */
export interface Outcome {
  readonly code: ExitCode;
  /** True where foreign modules were loaded, whose timers would keep the process alive. */
  readonly endNow: boolean;
}

/** Reads the arguments, runs the command, and says how it went. Ends nothing itself. */
export async function run(argv: readonly string[]): Promise<Outcome> {
  let outcome: Outcome = { code: EXIT.clean, endNow: false };
  const program = commands((result) => {
    outcome = result;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return outcome;
  } catch (error) {
    // Commander has said it already: help and version are answers, everything else a wrong argument.
    if (error instanceof CommanderError) {
      return { code: error.exitCode === 0 ? EXIT.clean : EXIT.cannotJudge, endNow: false };
    }
    await complain(failureLines(error, { debug: argv.includes("--debug") }));
    return { code: EXIT.cannotJudge, endNow: true };
  }
}

function commands(done: (outcome: Outcome) => void): Command {
  const program = new Command("doorpolicy")
    .description(
      "Judges, shows and tests how services connect to Postgres behind a transaction pooler.",
    )
    .version(ownVersion())
    .exitOverride()
    .showSuggestionAfterError();

  program
    .command("check")
    .description(
      "Judge connection URLs in .env files and modules that export options or a policy, without connecting.",
    )
    .argument("<file...>", ".env files and modules (.ts, .js, .mjs, .cjs)")
    .option(
      "--policy <file>",
      "policy to judge by (default: the nearest doorpolicy.config.* upward, else recommended)",
    )
    .addOption(
      new Option(
        "--client <name>",
        "client that URLs in .env files are judged for (default: from the nearest package.json)",
      ).choices(["typeorm", "prisma", "prisma-engine", "pg"]),
    )
    .addOption(
      new Option("--format <format>", "how to print the findings")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--max-warnings <number>", "warnings that are still no failure", wholeNumber)
    .option("--debug", "show stacks", false)
    .action(async (files: string[], flags: CheckFlags) => {
      const { checkCommand } = await import("./commands/check.ts");
      done({ code: await checkCommand(files, flags), endNow: true });
    });

  program
    .command("demo")
    .description(
      "Run two services through the same bad day, without and with the policy, on real servers.",
    )
    .option("--json", "print one JSON object instead of the table", false)
    .option("--allow-download", "fetch PostgreSQL and PgBouncer when they are not here", false)
    .option("--keep", "leave the servers running afterwards, until Ctrl-C", false)
    .option("--debug", "show stacks", false)
    .action(async (flags: DemoFlags) => {
      const { demoCommand } = await import("./commands/demo.ts");
      done({ code: await demoCommand(flags), endNow: false });
    });

  program
    .command("testbed")
    .description("Run a real PostgreSQL and PgBouncer in the foreground and print their URLs.")
    .option("--pgbouncer <version>", "such as 1.24 or 1.24.1 (default: 1.24)")
    .addOption(
      new Option("--postgres <major>", "PostgreSQL")
        .choices(["15", "16", "17", "18"])
        .default("17"),
    )
    .addOption(
      new Option("--pool-mode <mode>", "of the pooled URL")
        .choices(["transaction", "session", "statement"])
        .default("transaction"),
    )
    .option("--pool-size <number>", "server connections of a pool", positiveNumber)
    .addOption(
      new Option("--auth <method>", "how clients log in")
        .choices(["trust", "md5", "scram"])
        .default("trust"),
    )
    .option("--allow-download", "fetch servers when they are not here", false)
    .option("--json", "print one JSON object instead of lines", false)
    .option("--debug", "show stacks", false)
    .action(async (flags: TestbedFlags) => {
      const { testbedCommand } = await import("./commands/testbed.ts");
      done({ code: await testbedCommand(flags), endNow: false });
    });

  program
    .command("demo-service <orm> <service> <poolerVersion> <policy>", { hidden: true })
    .action(async (orm: string, service: string, poolerVersion: string, policy: string) => {
      const { demoServiceCommand } = await import("./commands/demo-service.ts");
      done({
        code: await demoServiceCommand({ orm, service, poolerVersion, policy }),
        endNow: false,
      });
    });

  return program;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text))
    throw new InvalidArgumentError("It has to be a whole number, 0 or more.");

  return Number(text);
}

function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError("It has to be a whole number, 1 or more.");

  return number;
}

function ownVersion(): string {
  // The same distance from src/ and from dist/.
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);

  return isRecord(manifest) && typeof manifest["version"] === "string"
    ? manifest["version"]
    : "unknown";
}
