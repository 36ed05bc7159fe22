/**
 * Everything that can keep a testbed from standing, by a name that stays.
 *
 * Match on these, never on the text: the text names files and versions and is written for people.
 */
export type TestbedErrorCode =
  | "testbed/aborted"
  | "testbed/account-not-found"
  | "testbed/admin-command-failed"
  | "testbed/download-failed"
  | "testbed/download-not-allowed"
  | "testbed/invalid-option"
  | "testbed/no-admin-console"
  | "testbed/openssl-not-found"
  | "testbed/pooler-not-found"
  | "testbed/pooler-not-owned"
  | "testbed/pooler-start-failed"
  | "testbed/port-in-use"
  | "testbed/postgres-not-found"
  | "testbed/postgres-not-owned"
  | "testbed/postgres-start-failed"
  | "testbed/sql-failed"
  | "testbed/stopped"
  | "testbed/temporary-directory"
  | "testbed/unsupported-platform"
  | "testbed/version-unavailable";

const BRAND = Symbol.for("doorpolicy/testbed-error");

/**
 * The one error this package throws.
 *
 * `hint` is an imperative sentence that says what to do about it; `cause` keeps what the operating
 * system or the server said. No password and no URL is ever part of the text.
 */
export class TestbedError extends Error {
  readonly code: TestbedErrorCode;
  readonly hint: string;

  constructor(code: TestbedErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TestbedError";
    this.code = code;
    this.hint = hint;
    // Not enumerable: it is for recognition, not for whoever prints the error.
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Whether a caught value is a {@link TestbedError}, also when a second copy of this package
 * (ESM beside CommonJS, two versions in one tree) threw it; `instanceof` would say no there.
 */
export function isTestbedError(value: unknown): value is TestbedError {
  return value instanceof Error && BRAND in value;
}

/** Takes addresses and whatever stands before `@` out of another program's output. */
export function withoutUrls(text: string): string {
  return text.replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "<address>");
}
