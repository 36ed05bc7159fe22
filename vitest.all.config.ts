import { configOf } from "./vitest.config.ts";

/** `npm run test:all`: everything, wide axes included. */
export default configOf([], { DOORPOLICY_TEST_ALL: "1" });
