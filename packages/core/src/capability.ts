/**
 * Something that a lane can or cannot do. Rules ask for these and never for a name or a version.
 *
 * - `pools-connections`: server connections are shared out by a pooler, so that a client that keeps
 *   one open keeps a slot.
 * - `session-state`: what a statement sets is there for the next statement of the same connection.
 * - `transaction-blocks`: BEGIN is accepted.
 * - `tracks-named-statements`: protocol-level named statements follow their client to any server.
 * - `parses-options`: `options=-c name=value` at startup is read; each name is judged by itself.
 * - `applies-any-startup-parameter`: Postgres itself reads the startup packet.
 * - `accepts-startup-parameter:<name>`: accepted at startup *and* in effect afterwards.
 * - `ignores-startup-parameter:<name>`: accepted at startup and silently dropped.
 * - `tracks-parameter:<name>`: a `SET` stays with its client and reaches no stranger.
 * - `safe-cancel`: a CancelRequest whose sender hangs up at once does not end the pooler.
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
  | "transaction-blocks"
  | "tracks-named-statements"
  | "parses-options"
  | "applies-any-startup-parameter"
  | "safe-cancel"
  | "announces-itself"
  | "replication"
  | "keeps-empty-name"
  | "accepts-pipelined-handshake"
  | `accepts-startup-parameter:${string}`
  | `ignores-startup-parameter:${string}`
  | `tracks-parameter:${string}`;
