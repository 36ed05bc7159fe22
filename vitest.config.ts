import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["@doorpolicy/source"] } },
  resolve: { conditions: ["@doorpolicy/source"] },
  test: {
    include: ["packages/*/test/**/*.test.ts", "integration/test/**/*.test.ts"],
    // Servers start once a file; a hang is a failure long before the runner of a CI would notice.
    testTimeout: 20_000,
    hookTimeout: 120_000,
  },
});
