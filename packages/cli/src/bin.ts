#!/usr/bin/env node
import { run } from "./program.ts";

const { code, endNow } = await run(process.argv.slice(2));
process.exitCode = code;
if (endNow) process.exit();
