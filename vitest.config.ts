import { configDefaults, defineConfig } from "vitest/config";

const CONDITIONS = ["@doorpolicy/source"];

/** Pure code as tables. Nothing is kept between files that one could see from another: imports are shared. */
const pure = {
  name: "core",
  include: ["packages/core/test/**/*.test.ts", "bench/test/**/*.test.ts"],
  isolate: false,
};

/** What meets real servers, processes and ORMs. */
const servers = {
  name: "servers",
  include: [
    "packages/!(core)/test/**/*.test.ts",
    "integration/test/**/*.test.ts",
    "docker/**/*.test.ts",
  ],
};

/** A run over the files that are not left out, with an environment of its own. */
export function configOf(exclude: readonly string[], env: Readonly<Record<string, string>>) {
  const common = {
    exclude: [...configDefaults.exclude, ...exclude],
    env: { ...env },
    // A hang is a failure long before the runner of a CI would notice it; a first start also fetches servers.
    testTimeout: 20_000,
    hookTimeout: 150_000,
  };
  return defineConfig({
    ssr: { resolve: { conditions: CONDITIONS } },
    resolve: { conditions: CONDITIONS },
    test: {
      // Most of a test is waiting for servers, so more files than processors run at a time.
      maxWorkers: 3,
      projects: [pure, servers].map((own) => ({ extends: true, test: { ...common, ...own } })),
    },
  });
}

/** `npm test`: the cut below three minutes. `*.all.test.ts` belongs to `npm run test:all`. */
export default configOf(["**/*.all.test.ts"], {});
