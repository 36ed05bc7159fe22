import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/testing.ts"],
  format: ["esm", "cjs"],
  target: "node20",
  dts: { oxc: true },
  sourcemap: true,
  shims: true,
  fixedExtension: false,
  // Every process reads this at its start; the doc comments stand in the types and in the sources.
  outputOptions: { comments: { jsdoc: false, annotation: true, legal: true } },
  // The core has no run-time dependency: what it needs of valibot is part of it (THIRD-PARTY-LICENSES.md).
  deps: { onlyBundle: ["valibot"] },
});
