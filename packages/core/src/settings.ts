import type { Finding } from "./diagnostic.ts";

/** Two settings that say different things, of which a client acts on one without a word. */
export interface Contradiction {
  /** What they are about, such as `port`. */
  readonly setting: string;
  /** The user's own key of the one that the client acts on. */
  readonly wins: string;
}

/** A TLS mode that is written as a word, and what the client makes of it. */
export interface TlsMode {
  /** As it stands there: `sslmode=require`. */
  readonly written: string;
  /** Whether the server's certificate is verified, with its name (`verify-full`) or without (`verify-ca`). */
  readonly does: "off" | "no-verify" | "verify-ca" | "verify-full";
  /**
   * - `"explicit"`: the word says what is done.
   * - `"ambiguous"`: libpq, this client's present and its next major version read it differently.
   * - `"unknown"`: the client has no such mode, and does something else without a word.
   */
  readonly standing: "explicit" | "ambiguous" | "unknown";
  /**
   * What to write instead, as one imperative sentence.
   *
   * @default node-postgres' words: `sslmode=verify-full` or `sslmode=no-verify`
   */
  readonly instead?: string;
}

/** What a contradiction does, and what to do about it. Holds no value of either. */
export function contradictionText(
  { setting, wins }: Contradiction,
  path: string,
): Omit<Finding, "path"> {
  const replacing = wins.startsWith("the ") ? wins : `\`${wins}\``;
  return {
    message: `\`${path}\` has no effect: ${replacing} takes its place${setting === "ssl" ? ", a CA in it included" : ""}.`,
    help: "Remove it, or what replaces it.",
  };
}

/** What it does that a direct lane leads through the pooler, and what to do about it. */
export function directIsPooledText(target: string): Omit<Finding, "path"> {
  return {
    message: `The direct lane of target \`${target}\` leads to the same place as the pooled one: what migrations, listeners and locks set there stays on server connections that other clients use next.`,
    help: `Set \`targets.${target}.direct\` to the URL of Postgres itself, around the pooler.`,
  };
}

const DOES: Readonly<Record<TlsMode["does"], string>> = {
  off: "connects without TLS",
  "no-verify": "connects with TLS to whoever answers",
  "verify-ca": "verifies the certificate and not the server's name",
  "verify-full": "verifies the certificate and the server's name",
};

/** What a TLS mode does that says it badly, and what to write instead. */
export function tlsText({ written, does, standing, instead }: TlsMode): Omit<Finding, "path"> {
  const help =
    instead ??
    "Use `sslmode=verify-full`, or `sslmode=no-verify` where whoever answers may be trusted.";
  return standing === "unknown"
    ? { message: `\`${written}\` is no mode that the client knows: it ${DOES[does]}.`, help }
    : {
        message: `\`${written}\` means something else to each client and in each major version: this one ${DOES[does]}.`,
        help,
      };
}
