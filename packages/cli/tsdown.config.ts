import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/bin.ts"],
  format: ["esm"],
  target: "node20",
  dts: false,
  sourcemap: true,
  fixedExtension: false,
});
