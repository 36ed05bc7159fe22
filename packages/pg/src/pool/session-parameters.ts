import type { PgClient } from "../driver/pg-internals.ts";

const NONE: readonly string[] = [];

/**
 * The parameters that the server reports of a session (`TimeZone`, `DateStyle`, `search_path` from Postgres 18
 * on …): a pooler keeps what a client has set for that client, and would keep it for the next holder. What a
 * `SET LOCAL` changes is back before its connection is.
 */
export class SessionParameters {
  readonly #values = new Map<string, string>();
  /** What they were when the holder got the connection, of those that have changed since. */
  readonly #before = new Map<string, string | undefined>();

  /** From before the login, whose parameters are the session's own. */
  follow(client: PgClient): void {
    this.#values.clear();
    client.connection.on("parameterStatus", (message: unknown) => this.#note(message));
  }

  /** Somebody else gets the connection. */
  settle(): void {
    if (this.#before.size > 0) this.#before.clear();
  }

  /** Those that are not as the holder has found them. */
  get changed(): readonly string[] {
    if (this.#before.size === 0) return NONE;
    return [...this.#before]
      .filter(([name, value]) => this.#values.get(name) !== value)
      .map(([name]) => name);
  }

  #note(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    if (!("parameterName" in message) || !("parameterValue" in message)) return;
    const name = String(message.parameterName);
    if (!this.#before.has(name)) this.#before.set(name, this.#values.get(name));
    this.#values.set(name, String(message.parameterValue));
  }
}
