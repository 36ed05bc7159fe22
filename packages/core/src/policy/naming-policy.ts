/** How a connection says who it is. */
export interface NamingPolicy {
  /**
   * `application_name` of every physical connection. Placeholders: `{app}`, `{user}`, `{host}`,
   * `{pod}`, `{env}` (DD_ENV, then NODE_ENV), `{pid}`; a part that nobody knows is `unknown`. Holds
   * `{app}`, and one of `@:/_-` between two placeholders.
   *
   * PgBouncer sends `SET application_name` whenever a server connection passes to a client of another
   * name, so that `{pod}` and `{pid}` cost a round trip at most switches (mastodon/mastodon#23958).
   *
   * @default "{app}:{user}@{host}"
   */
  readonly template?: string;
  /**
   * @default OTEL_SERVICE_NAME, DD_SERVICE, the nearest package.json's name (`acme/billing` for
   * `@acme/billing`), then the script's name, or its folder's where it is `main`, `index`, `server` or `app`
   */
  readonly app?: string;
  /** @default the operating system's user without a Windows domain, else `uid<number>` */
  readonly user?: string;
  /**
   * @default the host name up to its first dot; in Kubernetes the workload without its hashes (a
   * StatefulSet keeps its ordinal)
   */
  readonly host?: string;
}
