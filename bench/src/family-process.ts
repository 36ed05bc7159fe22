import { families, isFamilyName } from "./families.ts";
import type { Experiment } from "./method/experiment.ts";
import { measure } from "./method/rounds.ts";
import type { Answer, Request } from "./protocol.ts";
import { Servers } from "./servers/servers.ts";

/** Measures one family: the other end of `runFamily`. */
process.once("message", (request: Request) => {
  run(request)
    .catch((error: unknown) => {
      // The stack only: printed with its properties, an error of a driver shows more than that.
      answer({ kind: "failed", error: error instanceof Error ? `${error.stack}` : "no Error" });
      process.exitCode = 1;
    })
    .finally(() => {
      process.off("disconnect", abandon);
      process.disconnect();
    });
});
process.once("disconnect", abandon);

/** Nobody is left who wants the figures. What was started is stopped by its janitor. */
function abandon(): void {
  process.exit(1);
}

async function run(request: Request): Promise<void> {
  const { family, allowDownload, quick } = request;
  if (!isFamilyName(family)) throw new Error(`No family is named "${family}".`);
  await using servers = new Servers({ allowDownload });
  for (const experiment of await families[family]()) {
    await runExperiment(experiment, request, { servers, quick });
  }
  answer({ kind: "versions", versions: { ...(await servers.versions()) } });
}

async function runExperiment(
  experiment: Experiment,
  { only = "" }: Request,
  world: { readonly servers: Servers; readonly quick: boolean },
): Promise<void> {
  const figures = experiment.figures.filter(({ name }) => name.startsWith(only));
  if (figures.length === 0) return;
  const reason = experiment.skips?.();
  if (reason !== undefined) {
    for (const { name } of figures) answer({ kind: "skipped", name, reason });
    return;
  }
  const rounds = experiment.rounds[world.quick ? "quick" : "full"];
  for (const [{ name }, measured] of await measure(experiment, figures, world, rounds)) {
    answer({ kind: "measured", name, measured });
  }
}

function answer(message: Answer): void {
  process.send?.(message);
}
