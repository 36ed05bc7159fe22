import { configDefaults, defineConfig } from "vitest/config";

/** `npm test`: the cut below three minutes. `*.all.test.ts` belongs to `npm run test:all`. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@doorpolicy/source"] } },
  resolve: { conditions: ["@doorpolicy/source"] },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "integration/test/**/*.test.ts",
      "docker/**/*.test.ts",
      "bench/test/**/*.test.ts",
    ],
    exclude: [...configDefaults.exclude, "**/*.all.test.ts"],
    // Most of a test is waiting for servers, so more files than processors run at a time.
    maxWorkers: 3,
    // A hang is a failure long before the runner of a CI would notice it; a first start also fetches servers.
    testTimeout: 20_000,
    hookTimeout: 150_000,
  },
});
