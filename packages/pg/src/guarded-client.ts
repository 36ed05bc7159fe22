/* oxlint-disable no-underscore-dangle -- the names are pg's own. */
import { PolicyError } from "@doorpolicy/core";

import { blockControlOf } from "./connection/begin.ts";
import { type CallSite, captureCallSite, FRAMES_OF_BLOCK } from "./call-site.ts";
import { soon } from "./clock.ts";
import { handedLimits, type PoolConfigInput } from "./config/index.ts";
import { ConnectionGuard } from "./connection/connection-guard.ts";
import type { Guard } from "./guard.ts";
import { withLaneUrl } from "./startup/lane-config.ts";
import { limitsOf, setLocalText } from "./connection/limits.ts";
import { asGiven, ownValues } from "./driver/given.ts";
import { loginOf, takeLogin } from "./login/login.ts";
import { tlsFiles } from "./login/tls-files.ts";
import {
  hasQueryTimeout,
  isClientClass,
  isQueryTimeout,
  lastQueryOf,
  type PgClient,
  type PgClientConstructor,
  type PgQuery,
} from "./driver/pg-internals.ts";
import {
  appendSilently,
  controlTextOf,
  failQuery,
  hasParameters,
  judgeTags,
  type QueryCall,
  sendPrepared,
  textOf,
} from "./driver/query-forms.ts";
import { isSubmittable } from "./driver/submittable.ts";
import { keepAlive } from "./retry/keep-alive.ts";
import { watchAnnounced } from "./startup/announced.ts";
import { Startup } from "./startup/startup-gate.ts";
import { watchContamination } from "./statements/contamination.ts";
import { willBeInBlock } from "./statements/block-ahead.ts";
import { type StatementPlace, statementGuardOf } from "./statements/statement-guard.ts";
import { missingSetting } from "./units/require-setting.ts";

const guards = new WeakMap<PgClient, ConnectionGuard>();
const guardedClasses = new WeakSet<PgClientConstructor>();

/** The guard of a connection that a guarded class made. */
export function connectionGuardOf(client: PgClient): ConnectionGuard | undefined {
  return guards.get(client);
}

/** True for a class made here and for what a service derived from one. */
export function isGuardedClass(Client: PgClientConstructor): boolean {
  let one: unknown = Client;
  while (isClientClass(one) && !guardedClasses.has(one)) one = Object.getPrototypeOf(one);
  return isClientClass(one);
}

/**
 * A subclass of a `pg.Client` that bears the policy's name, keeps its startup packet to what the
 * lane takes, sends limits with BEGIN, and is watched by a {@link ConnectionGuard}. It is what holds
 * where an ORM brings its own pool (Knex, Sequelize).
 */
export function guardClientClass(Base: PgClientConstructor, guard: Guard): PgClientConstructor {
  const isWatching = guard.lane.mode !== "bypass";
  const filesOf = isWatching ? tlsFiles() : undefined;
  const statements = statementGuardOf(guard);
  const shownText = (query: PgQuery): string | undefined => controlTextOf(query, Base.Query);
  class GuardedClient extends Base {
    readonly #connection: ConnectionGuard;
    readonly #startup: Startup;
    readonly #place: StatementPlace = {
      isInBlock: () => willBeInBlock(this, this.#connection, Base.Query),
      site: (own) => captureCallSite(own),
      client: this,
      mayWait: true,
    };

    constructor(given?: PoolConfigInput) {
      const config = withLaneUrl(given, guard.lane);
      const read = filesOf?.(config);
      super(read?.config ?? config);
      read?.remember(this);
      this.#startup = new Startup(guard, config);
      takeLogin(this, guard, config);
      watchAnnounced(this, guard);
      if (isWatching) keepAlive(this, config, guard.lane.policy.connections.keepAliveMs);
      this.#connection = new ConnectionGuard(
        this,
        guard,
        limitsOf(guard.lane, handedLimits(config)),
        {
          query: (query) => super.query(query),
          hasOwnSocket: typeof config === "object" && "stream" in config && config.stream != null,
          end: () =>
            new Promise<void>((resolve) => {
              super.end(() => resolve());
            }),
        },
      );
      guards.set(this, this.#connection);
      watchContamination(this, guard);
      statements?.follow(this);
    }

    override connect(callback?: (error?: unknown) => void): unknown {
      const refusal = this.#startup.judge(super.getStartupConf(), this.#connection);
      if (refusal === undefined) {
        loginOf(this)?.prepare();
        return super.connect(callback);
      }
      if (callback === undefined) return Promise.reject(refusal);
      soon(() => callback(refusal));
      return undefined;
    }

    /** The last word on the packet: URL, environment and options have been merged by now. */
    override getStartupConf(): Record<string, string | undefined> {
      return this.#startup.packet(super.getStartupConf());
    }

    /** A listener beside pg's own would cost each statement more than all that the guard does with it. */
    override _handleReadyForQuery(message: { readonly status: string }): void {
      this.#connection.noteReady(message.status);
      statements?.refuseMisread(this, shownText);
      super._handleReadyForQuery(message);
    }

    override query(
      given: unknown,
      givenValues?: unknown,
      callback?: unknown,
      through: number = 0,
    ): unknown {
      const config = typeof given === "string" ? given : asGiven(given);
      let values = givenValues;
      const refusal =
        this.#connection.refusal() ?? missingSetting(guard, undefined, config, Base.Query);
      if (refusal !== undefined) return failQuery(this, { config, values, callback }, refusal);
      const text = textOf(config, Base.Query);
      if (statements !== undefined) {
        const shown = text ?? controlTextOf(config, Base.Query);
        if (shown && !statements.isPlain(shown, config)) {
          values = ownValues(config, values);
          const problem = statements.problem(shown, config, values, this.#place, 1 + through);
          if (problem) return failQuery(this, { config, values, callback }, problem);
        }
      }
      if (text !== undefined && isWatching) {
        const control = blockControlOf(text);
        if (control !== undefined) {
          const call = { config, values, callback };
          return control.opensAt === undefined
            ? this.#commit(call, text, control.commits)
            : this.#open(
                call,
                text,
                control.opensAt,
                captureCallSite(1 + through, FRAMES_OF_BLOCK),
              );
        }
      }
      this.#connection.noteStatement(text, undefined);
      if (text === undefined && isWatching && isSubmittable(config)) {
        this.#connection.noteReader(config, captureCallSite(1 + through));
      }
      return this.#pass(config, values, callback);
    }

    override end(callback?: (error?: unknown) => void): unknown {
      // pg up to 8.5 waits for an end that has been, and pg-pool then serves nobody any more.
      const { closing } = this.#connection;
      if (this.#connection.isGone) return answer(Promise.resolve(), callback);
      if (closing.canBeAtOnce) {
        closing.boundGoodbye();
        return super.end(callback);
      }
      return answer(closing.close(), callback);
    }

    /** BEGIN and its limits travel in one message, so that no statement of the block can run without them. */
    #open(call: QueryCall, text: string, opening: number, site: CallSite): unknown {
      this.#connection.noteStatement(text, site);
      const settings = guard.tellsServer(text) ? setLocalText(this.#connection.limits) : "";
      return this.#send(call, (query) => {
        if (settings === "" || hasParameters(query)) return;
        appendSilently(query, text.slice(0, opening) + settings + text.slice(opening));
      });
    }

    #commit(call: QueryCall, text: string, commits: readonly number[]): unknown {
      this.#connection.noteStatement(text, undefined);
      return this.#send(call, (query) => {
        judgeTags(query, (tag, index) =>
          tag === "ROLLBACK" && commits.includes(index) ? this.#onRolledBackAtCommit() : undefined,
        );
      });
    }

    #pass(config: unknown, values?: unknown, callback?: unknown): unknown {
      const answered = super.query(config, values, callback);
      if (hasQueryTimeout(this, config)) this.#noteTimeout();
      return answered;
    }

    /** pg forgets whom it has stopped waiting for; the query itself is told. */
    #noteTimeout(): void {
      const query = lastQueryOf(this);
      if (query === undefined) return;
      const original = query.handleError;
      query.handleError = (error, connection) => {
        if (isQueryTimeout(error)) this.#connection.noteGivenUp(query);
        original.call(query, error, connection);
      };
    }

    #send(call: QueryCall, prepare: (query: PgQuery) => void): unknown {
      return sendPrepared(
        call,
        Base.Query,
        (config, values, callback) => this.#pass(config, values, callback),
        prepare,
      );
    }

    #onRolledBackAtCommit(): Error | undefined {
      const rule = "transaction/rolled-back-at-commit";
      const response = guard.response(rule);
      if (response === "nothing") return undefined;
      const message =
        "The server answered COMMIT with ROLLBACK: a statement of the transaction had failed, and nothing of it is stored.";
      const help =
        "Let the error of a failed statement end the transaction, or use a savepoint around what may fail.";
      this.#connection.report({
        rule,
        action: response === "act" ? "refused" : "would-have",
        message,
        help,
      });
      return response === "act" ? new PolicyError(rule, message, { hint: help }) : undefined;
    }
  }
  guardedClasses.add(GuardedClient);
  return GuardedClient;
}

/** A promise, or a call of the callback outside of it: what a callback throws is nobody's rejection. */
function answer(
  done: Promise<void>,
  callback: (() => void) | undefined,
): Promise<void> | undefined {
  if (callback === undefined) return done;
  void done.then(() => soon(callback));
  return undefined;
}
