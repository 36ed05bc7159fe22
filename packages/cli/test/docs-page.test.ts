import { tmpdir } from "node:os";

import { expect, test } from "vitest";

import { docsPage } from "../src/check/docs-page.ts";
import { ROOT } from "./doorpolicy.ts";

const PAGE = "docs/rules/naming/required.md";

test.each([
  ["its file, where it is at hand", ROOT, PAGE],
  [
    "its address, elsewhere",
    tmpdir(),
    `https://github.com/doorpolicy/doorpolicy/blob/main/${PAGE}`,
  ],
])("a page of the documentation is %s", (_, cwd, expected) => {
  const page = docsPage(PAGE, cwd);

  expect(page).toBe(expected);
});
