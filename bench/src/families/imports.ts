import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Experiment, type Figure, quotient, type Variant } from "../method/experiment.ts";

const run = promisify(execFile);

/** Where `require` looks from: the packages as they are published have been built by then. */
const FROM = fileURLToPath(new URL("../../", import.meta.url));

/** Run by plain Node: a loader for TypeScript would be measured with every file. */
const PROGRAM = `
const [name, ...before] = JSON.parse(process.argv[1]);
for (const one of before) require(one);
const start = performance.now();
require(name);
process.stdout.write(String((performance.now() - start) * 1000));
`;

/** Microseconds that one `require` takes in a process that has done `before` and nothing else. */
const required =
  (name: string, ...before: string[]) =>
  async (): Promise<Variant> => ({
    async run() {
      const task = JSON.stringify([name, ...before]);
      const { stdout } = await run(process.execPath, ["-e", PROGRAM, task], { cwd: FROM });
      return { time: Number(stdout) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  });

const BELOW_ADAPTERS = ["pg", "@doorpolicy/core", "@doorpolicy/pg"];

const figure = (name: string, what: string, goal?: number): Figure =>
  quotient(
    {
      name: `import.${name}`,
      what: `time, require of ${what} / require("pg"), each in a process of its own`,
      ...(goal !== undefined && { goal: { atMost: goal } }),
    },
    { ours: name, base: "pg" },
  );

/** What a service pays at its start. */
export const imports: readonly Experiment[] = [
  {
    rounds: { full: 31, quick: 5 },
    figures: [
      figure("core", "the core", 0.1),
      figure("driver", "the guarded driver, on top of pg and the core"),
      figure("typeorm", "the TypeORM adapter, on top of those", 0.05),
      figure("prisma", "the Prisma adapter, on top of those", 0.05),
    ],
    variants: {
      pg: required("pg"),
      core: required("@doorpolicy/core"),
      driver: required("@doorpolicy/pg", "pg", "@doorpolicy/core"),
      typeorm: required("@doorpolicy/typeorm", ...BELOW_ADAPTERS),
      prisma: required("@doorpolicy/prisma", ...BELOW_ADAPTERS),
    },
  },
];
