import { describe, expect, test } from "vitest";

import { corpusFiles, corpusMissing } from "../sql/corpus.ts";
import { wrongVerdicts } from "./oracle-verdict.ts";

/** The files with most of what is judged; `verdicts.all.test.ts` has the others. */
const CUT = [
  "guc.sql",
  "temp.sql",
  "advisory_lock.sql",
  "prepare.sql",
  "sequence.sql",
  "async.sql",
];

describe("statements of PostgreSQL's regression tests are judged as its own parser reads them", () => {
  for (const file of CUT) {
    test(file, ({ skip }) => {
      skip(!corpusFiles().includes(file), corpusMissing ?? `There is no ${file}`);

      const { wrong, judged } = wrongVerdicts(file);

      expect(wrong).toEqual([]);
      expect(judged).toBeGreaterThan(20);
    });
  }
});
