/**
 * Test files that start no server and no process, and leave nothing behind in theirs: several of them share one
 * process and its imports. A file that is not named here has a process of its own, which is always right and costs
 * a second and a half.
 */
export const PURE: readonly string[] = [
  "packages/core/test/**/*.test.ts",
  "packages/cli/test/{clients,docs-page,env-file,exports,locate,policy-beside}.test.ts",
  "packages/cli/test/{policy-file,reports,scrub,tarballs,variables}.test.ts",
  "packages/pg/test/{begin,limits,outcome,process-context,startup}.test.ts",
  "packages/pg/test/config/*.test.ts",
  "packages/pg/test/direct/advisory-key.test.ts",
  "packages/pg/test/login/pieces.test.ts",
  "packages/pg/test/retry/schedule.test.ts",
  "packages/pg/test/units/{command-bytes,schema-list,tableless}.test.ts",
  "packages/prisma/test/{datasource-url,types,unguarded-client,with-policy}.test.ts",
  "packages/testbed/test/{apt-sources,config}.test.ts",
  "packages/typeorm/test/{types,with-policy}.test.ts",
  "bench/test/**/*.test.ts",
  "integration/test/{matrix,server-log,suite}.test.ts",
  "docker/test/files.test.ts",
];
