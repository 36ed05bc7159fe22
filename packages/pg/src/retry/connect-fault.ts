import { explainError } from "@doorpolicy/core";

/**
 * What says by itself that another attempt is unwelcome, or changes nothing: logins are counted there, and
 * this process has no descriptor to open a socket with.
 */
const NOT_AGAIN: ReadonlySet<string> = new Set(["pooler.too-many-logins", "network.no-descriptor"]);

/**
 * True for a failed connect that may succeed the next time: nobody listens or answers, a name does not resolve, the
 * pooler is full or being replaced, the database behind it starts. Nothing had been sent by then, so that
 * what `explainError` calls `if-not-sent` is as good as `yes`.
 *
 * False where somebody has to change something first (a password, a certificate, a database's name), and
 * for what is not known.
 */
export function mayConnectLater(error: unknown): boolean {
  const { kind, retryable } = explainError(error) ?? {};
  if (kind === undefined || NOT_AGAIN.has(kind)) return false;
  if (kind === "driver.connect-timeout") return true;
  const [family] = kind.split(".", 1);
  const isOutside = family === "network" || family === "pooler" || family === "server";
  return isOutside && (retryable === "yes" || retryable === "if-not-sent");
}
