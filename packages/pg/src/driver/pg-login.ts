/* oxlint-disable no-underscore-dangle -- the names are pg's own. */
import type { EventEmitter } from "node:events";

import type { PgClient, PgQuery } from "./pg-types.ts";

/** How far a SASL login has come, as pg keeps it. */
export interface SaslSession {
  readonly mechanism: string;
  readonly clientNonce: string;
  /** 8.23 and later. */
  readonly scramMaxIterations?: number;
  /** `SASLInitialResponse`, then `SASLResponse` when our proof is sent. */
  message: string;
  /** The text to send. */
  response: string;
  /** What the server has to prove itself with; pg compares it when the server does. */
  serverSignature?: string;
}

/** The part of pg's `Connection` that a login uses. */
export interface LoginConnection extends EventEmitter {
  readonly stream: LoginStream;
  /** `true`, or the options of `tls.connect()`; pg reads it when the server has agreed to TLS. */
  ssl?: unknown;
  readonly sslNegotiation?: unknown;
  startup(packet: object): void;
  sendSASLInitialResponseMessage(mechanism: string, response: string): void;
  sendSCRAMClientFinalMessage(response: string): void;
}

/** The part of a socket that a login uses; a runtime's own sockets may lack some. */
interface LoginStream extends EventEmitter {
  readonly remoteAddress?: string | undefined;
  readonly authorized?: boolean;
  cork?(): void;
  uncork?(): void;
  destroy(error?: Error): unknown;
  getPeerCertificate?(): { readonly raw?: Buffer };
}

/** Private fields of `pg.Client`, all versions together. Nothing outside this folder names one. */
interface LoginFields {
  readonly connection: LoginConnection;
  readonly host: string;
  readonly port: number;
  readonly user: string | null | undefined;
  readonly database: string | null | undefined;
  readonly password: unknown;
  readonly pipeline?: boolean;
  readonly enableChannelBinding?: boolean;
  readonly _ending: boolean;
  readonly connectionParameters?: { readonly ssl?: unknown };
  saslSession?: SaslSession | null;
  readonly _queryQueue?: readonly PgQuery[];
  readonly queryQueue?: readonly PgQuery[];
  _getPassword?(then: () => void): void;
  /** Its name up to 8.16. */
  _checkPgPass?(then: () => void): void;
}

/** A step of a SASL login; `own` is how pg takes it. */
type Step = (data: unknown, own: () => unknown) => unknown;

/** Where a SASL login can be taken over. */
export interface SaslSteps {
  /** The server asks for a SASL login, and says by which mechanisms. */
  readonly asked: Step;
  /** Its first message has come. */
  readonly continued: Step;
  /** Its last message has come. */
  readonly ended: Step;
}

function fieldsOf(client: PgClient): LoginFields {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- loginOf has looked at them.
  return client as unknown as LoginFields;
}

/** The parts of a login that can be told without connecting. */
export interface LoginTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Where a client logs in, and as whom. */
export function loginTargetOf(client: PgClient): LoginTarget {
  const { host, port, user, database } = fieldsOf(client);
  return { host, port, user: user ?? "", database: database ?? "" };
}

/** The connection of a client, as a login sees it. */
export function loginConnectionOf(client: PgClient): LoginConnection {
  return fieldsOf(client).connection;
}

/** What pg has made of everything that is said of TLS. */
export function tlsOptionsOf(client: PgClient): unknown {
  return fieldsOf(client).connectionParameters?.ssl;
}

/** A text once pg has asked whoever knows it: a function, or the password file. */
export function passwordOf(client: PgClient): unknown {
  return fieldsOf(client).password;
}

/** True where SCRAM is to be bound to the TLS connection (`enableChannelBinding`). */
export function bindsChannel(client: PgClient): boolean {
  return fieldsOf(client).enableChannelBinding === true;
}

/** True for a client in pg's pipeline mode, which has a queue of its own for what was sent. */
export function isInPipelineMode(client: PgClient): boolean {
  return fieldsOf(client).pipeline === true;
}

/** How far the SASL login of a client has come. */
export function saslSessionOf(client: PgClient): SaslSession | undefined {
  return fieldsOf(client).saslSession ?? undefined;
}

/** Begins a SASL login in pg's place, so that pg goes on with it. */
export function beginSasl(client: PgClient, session: SaslSession): void {
  fieldsOf(client).saslSession = session;
}

/** True when pg itself is closing the connection. */
export function isEnding(client: PgClient): boolean {
  return fieldsOf(client)._ending;
}

/** Lets pg find out the password, as it does when a server asks for one. */
export function resolvePassword(client: PgClient, then: () => void): void {
  const fields = fieldsOf(client);
  if (fields._getPassword === undefined) fields._checkPgPass?.(then);
  else fields._getPassword(then);
}

/** What was given to a client that is still connecting, first of all. */
export function firstQueryOf(client: PgClient): PgQuery | undefined {
  const fields = fieldsOf(client);
  return (fields._queryQueue ?? fields.queryQueue)?.[0];
}

/** Calls `around` when the startup packet is due, with what sends it. */
export function aroundStartup(
  connection: LoginConnection,
  around: (send: () => void) => void,
): void {
  const value = (packet: object): void => {
    Reflect.deleteProperty(connection, "startup");
    around(() => connection.startup(packet));
  };
  Object.defineProperty(connection, "startup", { value, configurable: true });
}

/** True for a pg whose logins can be taken over: another one keeps its own. */
export function hasKnownLogin(client: PgClient): boolean {
  const { connection } = fieldsOf(client);
  return SENDERS.every((name) => has(connection, name)) && STEPS.every((name) => has(client, name));
}

function has(object: object, method: string): boolean {
  return typeof Reflect.get(object, method) === "function";
}

const SENDERS = [
  "startup",
  "sendSASLInitialResponseMessage",
  "sendSCRAMClientFinalMessage",
] as const satisfies readonly (keyof LoginConnection)[];

const STEPS = ["_handleAuthSASL", "_handleAuthSASLContinue", "_handleAuthSASLFinal"] as const;

/**
 * Takes the steps of this client's SASL login. pg attaches its methods when it connects, whichever they
 * are by then.
 */
export function takeSaslSteps(client: PgClient, steps: SaslSteps): void {
  const [asked, continued, ended] = STEPS;
  takeStep(client, asked, steps.asked, "mechanisms");
  takeStep(client, continued, steps.continued, "data");
  takeStep(client, ended, steps.ended, "data");
}

function takeStep(client: PgClient, name: string, step: Step, content: string): void {
  const original: unknown = Reflect.get(client, name);
  if (typeof original !== "function") return;
  const taken = (message: object): unknown =>
    step(Reflect.get(message, content), () => Reflect.apply(original, client, [message]));
  Object.defineProperty(client, name, { value: taken, configurable: true, writable: true });
}
