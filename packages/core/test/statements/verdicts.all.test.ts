import { describe, expect, test } from "vitest";

import { corpusFiles, corpusMissing } from "../sql/corpus.ts";
import { wrongVerdicts } from "./oracle-verdict.ts";

let judged = 0;

describe("no statement of PostgreSQL's regression tests is judged wrongly", () => {
  for (const file of corpusFiles()) {
    test(
      file,
      () => {
        const found = wrongVerdicts(file);

        expect(found.wrong).toEqual([]);
        judged += found.judged;
      },
      60_000,
    );
  }

  test("nearly all of them are read by both", ({ skip }) => {
    skip(corpusMissing !== undefined, corpusMissing);

    expect(judged).toBeGreaterThan(80_000);
  });
});
