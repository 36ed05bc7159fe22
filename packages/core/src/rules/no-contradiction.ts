import type { Rule } from "../rule.ts";
import { contradictionText, directIsPooledText } from "../settings.ts";
import { isDirectPooled } from "../url/place.ts";

/**
 * Two settings say different things, and the client acts on one of them without a word; or the direct lane
 * is the pooled one.
 */
export const noContradiction: Rule = {
  id: "settings/no-contradiction",
  severity: "error",
  atRuntime: true,
  *check({ contradictions = [], lane }, { target }) {
    for (const { value, path } of contradictions) yield { ...contradictionText(value, path), path };
    if (lane !== "direct" || !isDirectPooled(target)) return;
    yield { ...directIsPooledText(target.name), path: `targets.${target.name}.direct` };
  },
};
