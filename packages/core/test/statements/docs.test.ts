import { expect, test } from "vitest";

import { statementsPage } from "./page.ts";

/** `npx vitest run -u` writes it anew. */
test("docs/statements.md is what the verdicts say", async () => {
  await expect(statementsPage()).toMatchFileSnapshot("../../../../docs/statements.md");
});
