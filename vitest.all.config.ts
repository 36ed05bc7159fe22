import { configDefaults, defineConfig, mergeConfig } from "vitest/config";
import cut from "./vitest.config.ts";

/** `npm run test:all`: everything, wide axes included. */
export default defineConfig(() => {
  const all = mergeConfig(cut, {});
  all.test = {
    ...all.test,
    exclude: configDefaults.exclude,
    env: { DOORPOLICY_TEST_ALL: "1" },
  };
  return all;
});
