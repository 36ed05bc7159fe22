import { configDefaults, defineConfig } from "vitest/config";

import { temporaryFiles } from "./vitest.memory.ts";
import { LongestFirst } from "./vitest.order.ts";
import { PURE } from "./vitest.pure.ts";

/** The sources of this repository's packages, as the pure tests import them. */
const SOURCE = ["@doorpolicy/source"];
/** What Node itself asks for, and so what is built. */
const BUILT = ["node"];

/** Pure code as tables. Nothing is kept between files that one could see from another: imports are shared. */
const pure = {
  conditions: SOURCE,
  test: { name: "pure", include: [...PURE], isolate: false },
};

/**
 * What meets real servers, processes and ORMs. Each file has a process of its own, which loads each package as the
 * one built file that users load, and not as a hundred and fifty of its modules.
 */
const servers = {
  conditions: BUILT,
  test: {
    name: "servers",
    include: [
      "packages/!(core)/test/**/*.test.ts",
      "integration/test/**/*.test.ts",
      "docker/**/*.test.ts",
    ],
    exclude: [...PURE],
    globalSetup: ["vitest.build.ts"],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
  },
};

/** A run over the files that are not left out, with an environment of its own. */
export function configOf(exclude: readonly string[], env: Readonly<Record<string, string>>) {
  return defineConfig({
    test: {
      // Most of a test is waiting for servers, so more files than processors run at a time.
      maxWorkers: 3,
      sequence: { sequencer: LongestFirst },
      projects: [pure, servers].map(({ conditions, test }) => ({
        extends: true as const,
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          ...test,
          exclude: [
            ...configDefaults.exclude,
            ...exclude,
            ...("exclude" in test ? test.exclude : []),
          ],
          env: { ...temporaryFiles(), ...env },
          // A hang is a failure long before the runner of a CI would notice it; a first start also fetches servers.
          testTimeout: 20_000,
          hookTimeout: 150_000,
        },
      })),
    },
  });
}

/** `npm test`: the cut below three minutes. `*.all.test.ts` belongs to `npm run test:all`. */
export default configOf(["**/*.all.test.ts"], {});
