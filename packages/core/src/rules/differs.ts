import { differenceFromUrl } from "../poolers/difference.ts";
import type { Rule } from "../rule.ts";

/**
 * The URL leads to another pooler than the one that the policy declares. The policy wins, so that all
 * that is judged by capabilities is judged by the wrong ones.
 */
export const differs: Rule = {
  id: "pooler/differs",
  severity: "warn",
  atRuntime: true,
  *check({ recognised, lane }, { target, has }) {
    if (recognised === undefined) return;
    const difference = differenceFromUrl(recognised.value, { target, lane, has });
    if (difference !== undefined) yield { ...difference, path: recognised.path };
  },
};
