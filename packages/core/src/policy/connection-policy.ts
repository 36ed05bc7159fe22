/** How connections are opened, capped and kept. */
export interface ConnectionPolicy {
  /**
   * What happens to a connection that nobody is using.
   *
   * - `"none"`: it is closed as soon as nobody waits for it; the pooler does the pooling.
   * - `"pool"`: it stays open for `idleTimeoutMs`, for whoever comes next in this process.
   *
   * Holds where a pooler pools behind it. On the direct lane and with the pooler kind `"none"` it is
   * always `"pool"`: each connection there costs Postgres a fork.
   *
   * @default "none"
   */
  readonly reuse?: "none" | "pool";
  /**
   * Most connections that this process has open at a time to one lane of a target, those being opened
   * and closed included; more callers wait. All pools of all adapters share it, from whichever copy of
   * a package they come. Replicas have their own.
   *
   * @default 10
   */
  readonly maxPerProcess?: number;
  /**
   * Longest wait for a connection, connecting included, in milliseconds. Always finite: a driver's
   * own default is to wait for ever.
   *
   * @default 5_000
   */
  readonly acquireTimeoutMs?: number;
  /**
   * With `reuse: "none"`, how long a released connection that nobody waits for stays open for whoever
   * comes next, in milliseconds. Statements that follow each other without a pause then share one
   * login; 0 closes at once. Shorter than `acquireTimeoutMs`. No effect with `"pool"`.
   *
   * @default 5 (`strict` and `serverless`: 0)
   */
  readonly lingerMs?: number;
  /**
   * With `reuse: "pool"`, how long an unused connection stays open, in milliseconds. No effect with
   * `"none"`.
   *
   * @default 5_000
   */
  readonly idleTimeoutMs?: number;
  /**
   * With `reuse: "pool"`, how many connections of each pool stay open though nobody uses them. Each
   * one keeps a client slot of the pooler, on Postgres itself a process, for as long as this process
   * lives. At most `maxPerProcess`; refused where every target has a pooler and `reuse` is `"none"`.
   *
   * @default 0
   */
  readonly minPerProcess?: number;
  /**
   * Age in milliseconds at which a connection is closed, whatever `reuse` says: at once where nobody
   * uses it, else when it is given back. A process that is never idle so moves on after a restart of
   * the pooler. Up to 10 % less, by chance for each connection, so that not all are opened anew
   * together. 0 means never. Not shorter than `idleTimeoutMs`.
   *
   * @default 60_000
   */
  readonly maxLifetimeMs?: number;
  /**
   * Whether the first SASL message goes out with the startup packet and the first statement with the
   * last message of the login, so that 5 round trips become 3. Done only where the lane
   * `accepts-pipelined-handshake`, over verified TLS, a Unix socket or loopback, to a server that has
   * asked for SCRAM before; anything else logs in one message after another.
   *
   * A statement sent that way counts as sent: a connection lost before its answer is
   * `statement/outcome-unknown`, and the statement is never repeated.
   *
   * @default false
   */
  readonly pipelineHandshake?: boolean;
  /**
   * Whether a connect that has failed before anything was sent is tried again, after a pause that doubles
   * from 50 ms to 1 s and of which half is chance, for as long as a caller waits for it
   * (`acquireTimeoutMs`): nobody listens, the name does not resolve, the pooler is full or being
   * replaced, the database is not there yet. One attempt takes half of the caller's time at most, and at
   * least 1 s of it, so that a host that swallows everything leaves time for another. A pool whose
   * connects fail opens one socket at a time until one succeeds. When the caller's time is over, it gets the error
   * of the last attempt, unless that is a time-out: then it is `connection/acquire-timeout`.
   *
   * What needs a change first (a password, a certificate, a database's name) fails at once in any case, and
   * a statement that was written to a socket is never sent again. Holds in `observe` as in `enforce`, for
   * pools; a `Client` that a service connects by itself can connect only once.
   *
   * @default true
   */
  readonly connectRetry?: boolean;
  /**
   * After how many milliseconds (of which the kernel counts whole seconds, one at least) without a byte from the other end its kernel is asked whether it is still
   * there (TCP keepalive); about ten seconds later the connection counts as lost, and the statement that
   * waits on it fails. A driver's own default is to wait for ever for an answer from a host that is gone,
   * and load balancers forget connections that are quiet for some minutes. 0: nobody is asked. A
   * service's own `keepAlive: true` keeps its own delay.
   *
   * @default 10_000
   */
  readonly keepAliveMs?: number;
  /**
   * How long a connection may be out of its pool without a message of its holder, in milliseconds,
   * before `connections/held-idle` is reported with the stack of whoever took it: it keeps a slot of
   * the process and of the pooler that nobody uses. Time counts since the holder's last message, and
   * never while bytes flow. 0 means never. Not on the direct lane, nor where nothing pools behind.
   *
   * @default 5_000
   */
  readonly heldIdleWarnMs?: number;
  /**
   * How long, in milliseconds, until it is taken back: an open block is rolled back, the connection
   * closed, and the holder's next statement fails with `connection/reclaimed`. 0 means never;
   * otherwise longer than `heldIdleWarnMs`. Not where that one does not hold.
   *
   * @default 60_000 (`strict`: 15_000)
   */
  readonly heldIdleReclaimMs?: number;
}
