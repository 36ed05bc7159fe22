import type { Orm } from "../demo/service.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";

/** Arguments of the hidden command that the demo starts its services with. */
export interface DemoServiceArguments {
  readonly orm: string;
  readonly service: string;
  readonly poolerVersion: string;
  readonly policy: string;
}

/** Runs one service of the demo; its URL is in the environment, where other users cannot read it. */
export async function demoServiceCommand(given: DemoServiceArguments): Promise<ExitCode> {
  const url = process.env["DATABASE_URL"];
  if (!isOrm(given.orm) || url === undefined) return EXIT.cannotJudge;
  const { runService } = await import("../demo/service.ts");
  await runService({
    orm: given.orm,
    service: given.service,
    poolerVersion: given.poolerVersion,
    policy: given.policy === "with",
    url,
  });

  return EXIT.clean;
}

function isOrm(name: string): name is Orm {
  return name === "typeorm" || name === "prisma";
}
