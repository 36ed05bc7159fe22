import type { Rule } from "../rule.ts";

/**
 * The native driver speaks to the server through libpq, where no guard sees the state of a
 * transaction: a block that is left open goes to the next caller.
 */
export const noNative: Rule = {
  id: "driver/no-native",
  severity: "error",
  atRuntime: false,
  *check({ nativeDriver: { value, path } }) {
    if (!value) return;
    yield {
      message:
        "The native driver goes around the policy: open transactions are neither seen nor ended.",
      help: "Remove `pg-native`, and use the JavaScript driver.",
      path,
    };
  },
};
