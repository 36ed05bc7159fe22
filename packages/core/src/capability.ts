/**
 * Something that a lane can or cannot do. Rules ask for these and never for a name or a version.
 *
 * - `pools-connections`: server connections are shared out by a pooler, so that a client that keeps
 *   one open keeps a slot.
 * - `session-state`: what a statement sets is there for the next statement of the same connection.
 * - `resets-session-state`: a server connection is cleaned before the next client gets it, so that
 *   what a statement sets is lost and not leaked.
 * - `transaction-blocks`: BEGIN is accepted.
 * - `tracks-named-statements`: protocol-level named statements follow their client to any server.
 * - `tracks-sql-prepare`: so do those of SQL `PREPARE`, `EXECUTE` and `DEALLOCATE` by name.
 * - `tracks-deallocate-all`: `DEALLOCATE ALL` of one client leaves the statements of others alone.
 * - `parses-options`: `options=-c name=value` at startup is read; each name is judged by itself.
 * - `applies-any-startup-parameter`: Postgres itself reads the startup packet.
 * - `accepts-startup-parameter:<name>`: accepted at startup *and* in effect afterwards.
 * - `ignores-startup-parameter:<name>`: accepted at startup and silently dropped.
 * - `ignores-other-startup-parameters`: so is every parameter that is not accepted.
 * - `refuses-other-startup-parameters`: a parameter that is neither accepted nor ignored ends the login.
 *   Where neither is known of a pooler, either may happen.
 * - `tracks-parameter:<name>`: a `SET` stays with its client and reaches no stranger.
 * - `parses-set`: so does a `SET` of any parameter, because the pooler reads the statement; it does
 *   not see what `set_config()` sets, and says nothing of `SET ROLE`.
 * - `pins-on-set`, `pins-on-prepare`, `pins-on-temp`, `pins-on-cursor`, `pins-on-listen`,
 *   `pins-on-lock`, `pins-on-load`, `pins-on-sequence`, `pins-on-discard`, `pins-on-long-statement`
 *   (a text over 16 KB): from such a statement on the server connection stays with its client until
 *   that one disconnects. It works, and the pooling is lost.
 * - `pins-session-locks`: it stays with its client for as long as that one holds an advisory lock.
 * - `transports-application-name`: Postgres is shown the client's own `application_name`.
 * - `safe-cancel`: a CancelRequest whose sender hangs up at once reaches Postgres and does not end
 *   the pooler.
 * - `announces-itself`: version, pool mode and limits arrive as parameters at login.
 * - `replication`: replication connections pass.
 * - `accepts-pipelined-handshake`: messages that arrive ahead of the answer they follow, from the
 *   startup packet to the first statement, are kept and read in turn.
 * - `keeps-empty-name`: a client without a name does not show the name of the client before it.
 *
 * Parameter names compare without regard to case, as in Postgres.
 */
export type Capability =
  | "pools-connections"
  | "session-state"
  | "resets-session-state"
  | "transaction-blocks"
  | "tracks-named-statements"
  | "tracks-sql-prepare"
  | "tracks-deallocate-all"
  | "parses-set"
  | "parses-options"
  | "applies-any-startup-parameter"
  | "ignores-other-startup-parameters"
  | "refuses-other-startup-parameters"
  | "transports-application-name"
  | "safe-cancel"
  | "announces-itself"
  | "replication"
  | "keeps-empty-name"
  | "accepts-pipelined-handshake"
  | "pins-session-locks"
  | `pins-on-${Pin}`
  | `accepts-startup-parameter:${string}`
  | `ignores-startup-parameter:${string}`
  | `tracks-parameter:${string}`;

/** What makes a pooler keep a server connection for one client, until that one disconnects. */
type Pin =
  | "set"
  | "prepare"
  | "temp"
  | "cursor"
  | "listen"
  | "lock"
  | "load"
  | "sequence"
  | "discard"
  | "long-statement";
