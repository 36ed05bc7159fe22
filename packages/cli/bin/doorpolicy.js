#!/usr/bin/env node
// Committed, so that `npm ci` links it in a checkout, where nothing is built yet.
import { existsSync } from "node:fs";

const program = new URL("../dist/bin.js", import.meta.url);

if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write(
    "doorpolicy is not built yet: run `npm run build` at the root of its repository.\n",
  );
  process.exitCode = 2;
}
