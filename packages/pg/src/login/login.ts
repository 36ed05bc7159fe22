import type { PoolConfigInput } from "../config/index.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import {
  bindsChannel,
  hasKnownLogin,
  isInPipelineMode,
  type LoginConnection,
  loginConnectionOf,
  loginTargetOf,
  passwordOf,
  type SaslSession,
  saslSessionOf,
  takeSaslSteps,
} from "../driver/pg-login.ts";
import type { Guard } from "../guard.ts";
import { endPointBinding } from "./channel-binding.ts";
import { PipelinedHandshake } from "./pipelined-handshake.ts";
import { sayChangingSalt } from "./changing-salt.ts";
import type { ScramProver, ScramSecret } from "./scram-keys.ts";
import {
  clientFinal,
  MAX_ITERATIONS,
  readServerFirst,
  type ServerFirst,
  usablePassword,
} from "./scram-messages.ts";
import { loginState, targetKey } from "./state.ts";
import { type TlsLogin, tlsLoginOf } from "./tls-login.ts";

const FIRST_SENT = "SASLInitialResponse";
const FINAL_SENT = "SASLResponse";

const logins = new WeakMap<PgClient, Login>();

/** The login of a guarded client; `undefined` in bypass, and for a pg whose own login is another. */
export function loginOf(client: PgClient): Login | undefined {
  return logins.get(client);
}

/**
 * Takes over what a login repeats at each connection: SCRAM's keys, the TLS context and session. What is
 * sent, what is checked and what errors say stays pg's. Before the connection has other listeners.
 */
export function takeLogin(client: PgClient, guard: Guard, config: PoolConfigInput): void {
  if (guard.lane.mode === "bypass" || !hasKnownLogin(client)) return;
  logins.set(client, new Login(client, guard, maxIterationsOf(config)));
}

/**
 * One login of one connection.
 *
 * | state | SASL asked | first message of the server | last message | AuthenticationOk | error |
 * | --- | --- | --- | --- | --- | --- |
 * | begun | pg begins SCRAM (or has, {@link PipelinedHandshake}) → first sent | refused | refused | logged in without SCRAM | pg's |
 * | first sent | pg's | checked; keys found or derived → final sent | refused | refused | pg's |
 * | final sent | pg's | refused | signature checked → proved, or refused | refused: no signature | keys dropped |
 * | proved | pg's | refused | refused | salt noted | pg's |
 *
 * *Refused*: the connection fails with pg's text, keys are dropped, and nothing that the server says
 * behind it counts.
 */
export class Login {
  readonly #client: PgClient;
  readonly #guard: Guard;
  readonly #connection: LoginConnection;
  readonly #maxIterations: number;
  #tls: TlsLogin | undefined;
  #pipelined: PipelinedHandshake | undefined;
  #mayPipeline = false;
  /** What the keys of this login were derived from, until it has succeeded or failed. */
  #secret: ScramSecret | undefined;
  #isSaltNew = false;

  constructor(client: PgClient, guard: Guard, maxIterations: number) {
    this.#client = client;
    this.#guard = guard;
    this.#maxIterations = maxIterations;
    const connection = loginConnectionOf(client);
    this.#connection = connection;
    takeSaslSteps(client, {
      asked: (mechanisms, own) => this.#onAsked(mechanisms, own),
      continued: (data, own) => this.#onContinued(data, own),
      ended: (_data, own) => this.#onEnded(own),
    });
    connection.on("authenticationOk", () => this.#onOk());
    connection.on("errorMessage", () => this.#onServerError());
  }

  /** pg is about to connect. */
  prepare(): void {
    this.#tls = tlsLoginOf(this.#client, loginState().tls);
    if (this.#mayPipeline && this.canPipeline) {
      this.#pipelined = new PipelinedHandshake(this.#client, this.#tls);
      this.#connection.on("authenticationCleartextPassword", () => this.#onOtherLogin());
      this.#connection.on("authenticationMD5Password", () => this.#onOtherLogin());
    }
  }

  /** Whoever connects makes a fresh connection where {@link needsAnother} says so. */
  allowPipelining(): void {
    this.#mayPipeline = true;
  }

  /** As far as it is known before the address is: the policy, the pooler, and how this login went before. */
  get canPipeline(): boolean {
    const { lane } = this.#guard;
    return (
      lane.policy.connections.pipelineHandshake &&
      lane.has("accepts-pipelined-handshake") &&
      !bindsChannel(this.#client) &&
      !isInPipelineMode(this.#client) &&
      loginState().scramTargets.get(this.#targetKey) === true
    );
  }

  /** True after a failure that a fresh connection, made without what this one tried, does not have. */
  get needsAnother(): boolean {
    return this.#pipelined?.isGivenUp === true || this.#tls?.hasFailedResuming === true;
  }

  /** True when the first statement was written with the login, and may have been run. */
  get hasSentStatement(): boolean {
    return this.#pipelined?.hasSentStatement === true;
  }

  #onAsked(mechanisms: unknown, own: () => unknown): void {
    if (this.#pipelined?.agree(mechanisms) === true) return;
    if (this.#pipelined?.isUnanswered === true) {
      this.#onOtherLogin();
      return;
    }
    this.#try(own);
  }

  #onContinued(data: unknown, own: () => unknown): void {
    if (this.#pipelined === undefined) this.#try(() => this.#answer(data, own));
    else this.#pipelined.withPassword(() => this.#try(() => this.#answer(data, own)));
  }

  #answer(data: unknown, own: () => unknown): unknown {
    const session = saslSessionOf(this.#client);
    if (session?.message !== FIRST_SENT) {
      throw new Error("SASL: Last message was not SASLInitialResponse");
    }
    const password = usablePassword(passwordOf(this.#client));
    const limit = session.scramMaxIterations ?? this.#maxIterations;
    const first = readServerFirst(data, session.clientNonce, limit);
    const binding = this.#binding(session);
    // A certificate that only pg can read.
    if (binding === undefined) return own();
    const { salt, iterations } = first;
    const secret = { password, salt, iterations };
    // A second one would be answered as well, while the keys are being derived.
    session.message = "";
    const { keys } = loginState();
    const send = (prove: ScramProver): void => this.#prove(session, first, binding, prove, secret);
    const known = keys.find(secret);
    if (known !== undefined) return send(known);
    this.#isSaltNew = true;
    keys.derive(secret).then(
      (prove) => this.#try(() => send(prove)),
      (error: unknown) => this.#refuse(error),
    );
    return undefined;
  }

  #binding({ mechanism }: SaslSession): Buffer | undefined {
    if (mechanism === "SCRAM-SHA-256-PLUS") {
      return endPointBinding(this.#connection.stream.getPeerCertificate?.().raw);
    }
    return Buffer.from(bindsChannel(this.#client) ? "y,," : "n,,");
  }

  #prove(
    session: SaslSession,
    first: ServerFirst,
    binding: Buffer,
    prove: ScramProver,
    secret: ScramSecret,
  ): void {
    const { message, authMessage } = clientFinal(session.clientNonce, first, binding);
    const { proof, serverSignature } = prove(authMessage);
    this.#secret = secret;
    session.message = FINAL_SENT;
    session.serverSignature = serverSignature;
    session.response = `${message},p=${proof}`;
    const send = (): void => this.#connection.sendSCRAMClientFinalMessage(session.response);
    if (this.#pipelined === undefined) send();
    else this.#pipelined.sendFinal(send);
  }

  #onEnded(own: () => unknown): void {
    this.#try(own);
    // pg forgets the session of a server that has proved itself; for another it has emitted an error.
    if (saslSessionOf(this.#client) !== undefined) this.#stop();
  }

  #onOk(): void {
    if (this.#pipelined?.isUnanswered === true) {
      this.#onOtherLogin();
      return;
    }
    if (saslSessionOf(this.#client) !== undefined) {
      // pg lets in a server that has left out to prove that it knows the password.
      this.#refuse(new Error("SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature is missing"));
      return;
    }
    const secret = this.#secret;
    if (secret === undefined) return;
    this.#secret = undefined;
    const { keys, salts, scramTargets } = loginState();
    scramTargets.set(this.#targetKey, true);
    const { host, port, user } = loginTargetOf(this.#client);
    const { password, salt } = secret;
    if (!this.#isSaltNew || !salts.note({ host, port, user, password }, salt)) return;
    // It will not come again, and would push out keys that do.
    keys.forget(secret);
    sayChangingSalt(this.#guard, `${host} ${port}`);
  }

  /** The login was begun as SCRAM, ahead of a server that wants none. */
  #onOtherLogin(): void {
    const pipelined = this.#pipelined;
    if (pipelined?.isUnanswered !== true) return;
    pipelined.giveUp();
    loginState().scramTargets.delete(this.#targetKey);
    this.#refuse(new Error("The server has asked for another login than the one it was sent."));
  }

  #onServerError(): void {
    this.#dropKeys();
    this.#pipelined?.refuse();
    if (this.#pipelined?.isUnanswered === true) {
      loginState().scramTargets.delete(this.#targetKey);
    }
  }

  #dropKeys(): void {
    if (this.#secret !== undefined) loginState().keys.forget(this.#secret);
    this.#secret = undefined;
  }

  #try(step: () => unknown): void {
    try {
      // pg's own steps say what went wrong by themselves, and up to 8.5 they throw.
      void step();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    this.#connection.emit("error", error);
    this.#stop();
  }

  /** pg would go on with what came in the same packet: a server that was refused would be let in. */
  #stop(): void {
    this.#dropKeys();
    this.#connection.removeAllListeners("readyForQuery");
    this.#connection.stream.destroy();
  }

  get #targetKey(): string {
    return targetKey(loginTargetOf(this.#client));
  }
}

/** Older versions of pg have no limit; what is written for the newer ones holds with all of them. */
function maxIterationsOf(config: PoolConfigInput): number {
  const given: unknown =
    typeof config === "object" ? Reflect.get(config, "scramMaxIterations") : undefined;
  return typeof given === "number" && Number.isFinite(given) ? given : MAX_ITERATIONS;
}
