import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that run for eight seconds and more, longest first. Where no run is remembered, as on a new machine, vitest
 * takes a file's size for its length, and the longest of all are three lines each: they would begin when
 * everything else is over.
 */
const LONG = [
  "integration/test/pgbouncer-1.24.test.ts",
  "integration/test/torture.test.ts",
  "packages/cli/test/demo.test.ts",
  "integration/test/tenants.test.ts",
  "integration/test/units/units.test.ts",
  "packages/pg/test/pool/exit.test.ts",
  "packages/pg/test/overrun.test.ts",
  "packages/pg/test/reader.test.ts",
  "packages/pg/test/block.test.ts",
  "packages/pg/test/login/tls.test.ts",
  "packages/cli/test/check.test.ts",
  "packages/pg/test/server-limits.test.ts",
  "packages/pg/test/retry/connect-retry.test.ts",
] as const;

/** Begins with the {@link LONG} files, and goes on in vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- vitest's own, which changes nothing in place.
    const own = await super.sort(files);
    return own.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.findIndex((name) => moduleId.endsWith(`/${name}`));
  return rank === -1 ? LONG.length : rank;
}
