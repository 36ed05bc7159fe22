import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  target: "node20",
  dts: { oxc: true },
  sourcemap: true,
  shims: true,
  fixedExtension: false,
});
