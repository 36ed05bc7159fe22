import {
  type ConnectionUrl,
  type LaneInUse,
  PolicyError,
  type TlsMode,
  tlsText,
} from "@doorpolicy/core";
import { actsOn } from "@doorpolicy/pg";

/** What is written instead, for an engine that has two words for it. */
const INSTEAD =
  "Use `sslmode=require&sslaccept=strict`, or `sslaccept=accept_invalid_certs` where whoever answers may be trusted.";

/** What the words of libpq and of node-postgres are to the engine, written in its own. */
const TRANSLATED: Readonly<Record<string, "strict" | "accept_invalid_certs">> = {
  "verify-full": "strict",
  // The engine has nothing between the two: the name is verified as well.
  "verify-ca": "strict",
  "no-verify": "accept_invalid_certs",
};

/**
 * What the native engine makes of the TLS words of a URL; `undefined` where there are none. It knows
 * `disable`, `prefer` and `require`; anything else, `verify-full` too, is `prefer` to it: TLS if it can be
 * had, with whoever answers. Only `sslaccept=strict` looks at the certificate.
 *
 * From source: `quaint`, `connector/postgres/url.rs`.
 */
export function engineTls({ parameters }: ConnectionUrl): TlsMode | undefined {
  const last = (name: string): string | undefined =>
    parameters.findLast((one) => one.name === name)?.value;
  const mode = last("sslmode");
  if (mode === undefined || mode === "") return undefined;
  const accept = last("sslaccept");
  const written = `sslmode=${mode}`;
  if (mode === "disable") return { written, does: "off", standing: "explicit" };
  if (mode !== "prefer" && mode !== "require") {
    return { written, does: "no-verify", standing: "unknown", instead: INSTEAD };
  }
  const does = accept === "strict" ? "verify-full" : "no-verify";
  // `prefer` goes on without TLS where there is none, whatever is to be verified.
  return accept === undefined || mode === "prefer"
    ? { written, does, standing: "ambiguous", instead: INSTEAD }
    : { written, does, standing: "explicit" };
}

/** A URL that is being changed. */
interface EngineUrl {
  readonly origin: string;
  read(): ConnectionUrl;
  set(name: string, to: string, why: string): void;
}

/**
 * Makes a URL that other clients read too say the same to the engine, where the mode acts: `verify-full`
 * becomes `sslmode=require&sslaccept=strict`, and `require` alone is written out as what it does. A
 * mode that nobody knows is a `PolicyError` `options/refused`. In observe and bypass all is left alone.
 */
export function applyEngineTls(url: EngineUrl, lane: LaneInUse): void {
  const tls = engineTls(url.read());
  const path = `${url.origin}?sslmode`;
  if (tls === undefined || tls.standing === "explicit") return;
  if (!actsOn(lane, "settings/explicit-tls", path)) return;
  const mode = tls.written.slice("sslmode=".length);
  const accept = TRANSLATED[mode];
  if (accept !== undefined) {
    url.set(
      "sslmode",
      "require",
      `the engine does not know \`${mode}\`, and would take it for \`prefer\`.`,
    );
    url.set("sslaccept", accept, `that is \`${mode}\` in the engine's words.`);
  } else if (tls.standing === "unknown") {
    const { message, help } = tlsText(tls);
    throw new PolicyError("options/refused", message, { path, hint: help });
  } else if (mode === "require") {
    url.set(
      "sslaccept",
      "accept_invalid_certs",
      "that is what `require` alone means to the engine.",
    );
  }
}
