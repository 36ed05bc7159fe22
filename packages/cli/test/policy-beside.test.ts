import { relative } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { importedFiles } from "../src/check/policy-beside.ts";

const FIXTURES = fileURLToPath(new URL("fixtures", import.meta.url));
const MODULE = fileURLToPath(new URL("fixtures/module.ts", import.meta.url));

describe("the files that a module imports", () => {
  test.each([
    [`import { policy } from "./variables/db-policy.ts";`, ["variables/db-policy.ts"]],
    [`import {\n  a,\n  b as c,\n} from './variables/db-policy'`, ["variables/db-policy.ts"]],
    [`import * as all from "./variables/db-policy.js"`, ["variables/db-policy.ts"]],
    [`export { policy } from "./wrapped/db-policy.mjs"`, ["wrapped/db-policy.mjs"]],
    [`import "./nothing.mjs"; import "./nothing.mjs"`, ["nothing.mjs"]],
    [`const { policy } = require("./exits.mjs")`, ["exits.mjs"]],
    [`import type { Policy } from "./nothing.mjs"`, []],
    [`// import "./nothing.mjs"`, []],
    [
      `import pg from "pg"; import "./absent.ts"; import "./variables/.env"; import "./excused"`,
      [],
    ],
  ])("%s", (text, expected) => {
    const files = importedFiles(MODULE, text);

    expect(files.map((file) => relative(FIXTURES, file))).toEqual(expected);
  });
});
