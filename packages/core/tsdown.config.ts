import { defineConfig, type Rolldown } from "tsdown";

/**
 * Of one character beyond Latin-1, V8 makes a text of two bytes a character, and reads all of it more
 * slowly: an ellipsis in a message cost a tenth of the import.
 */
const asciiOnly: Rolldown.Plugin = {
  name: "ascii-only",
  generateBundle(_, bundle) {
    for (const [file, chunk] of Object.entries(bundle)) {
      if (chunk.type === "chunk" && /\.c?js$/u.test(file)) chunk.code = inAscii(chunk.code);
    }
  },
};

/** The same program. Half a pair of surrogates is an escape of its own, in a text as in a pattern. */
function inAscii(code: string): string {
  return code.replaceAll(
    /[^\0-\u007f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

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
  plugins: [asciiOnly],
  // The core has no run-time dependency: what it needs of valibot is part of it (THIRD-PARTY-LICENSES.md).
  deps: { onlyBundle: ["valibot"], neverBundle: ["@doorpolicy/core"] },
});
