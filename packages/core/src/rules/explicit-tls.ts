import type { Rule } from "../rule.ts";
import { tlsText } from "../settings.ts";

/**
 * A TLS mode that does not say what is done. What it says is left alone, `no-verify` included: that is a
 * decision that somebody has written down.
 */
export const explicitTls: Rule = {
  id: "settings/explicit-tls",
  severity: "warn",
  atRuntime: true,
  *check({ tlsMode }) {
    if (tlsMode === undefined || tlsMode.value.standing === "explicit") return;
    yield { ...tlsText(tlsMode.value), path: tlsMode.path };
  },
};
