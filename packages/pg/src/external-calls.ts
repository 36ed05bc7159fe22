import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

import { type CallSite, captureCallSite, describeCallSite } from "./call-site.ts";
import { afterInput } from "./clock.ts";
import type { Guard } from "./guard.ts";
import { sharedState } from "./registry.ts";
import { currentUnit } from "./units/context.ts";

const RULE = "transaction/no-external-calls";
const HELP =
  "Make the call before the transaction or after it, with `afterCommit(fn)`; or add its host to `externalCalls.ignoreHosts`.";

/** Ports and paths of exporters of traces and metrics, which send in whatever context a timer was started. */
const EXPORTER_PORTS: ReadonlySet<string> = new Set(["4317", "4318", "8125", "8126"]);
const EXPORTER_PATH = /^\/v1\/(?:traces|metrics|logs)\b/u;

/** Sockets of undici, whose requests are reported themselves. */
const ofRequests = new WeakSet<object>();

/**
 * Reports calls to the outside that are made while a `transaction()` is open, or an ORM's transaction in
 * a unit of work: it holds a server connection and its locks for as long as they last. Hears Node's
 * own channels: `http`, `https`, `fetch` and undici, and sockets that are opened. pg opens its sockets
 * in another way, which those channels do not show. Files, queues and what runs in workers are not
 * seen: {@link reportExternal}.
 *
 * Nothing listens until a policy asks for it (`transaction/no-external-calls`, off unless `strict`).
 */
export function watchExternalCalls(guard: Guard): void {
  const state = sharedState();
  if (state.hearsExternalCalls || guard.response(RULE) === "nothing") return;
  state.hearsExternalCalls = true;
  subscribe("http.client.request.start", (message) => onRequest(requestOf(message)));
  subscribe("undici:request:create", (message) => onRequest(fetchOf(message)));
  subscribe("undici:client:connected", (message) => {
    const socket: unknown = valueAt(message, "socket");
    if (isSocket(socket)) ofRequests.add(socket);
  });
  subscribe("net.client.socket", (message) => onSocket(message));
}

/**
 * Reports that something slow is done outside of the database, where no channel of Node's shows it: a
 * queue, a file, a worker. Does nothing unless a transaction of the caller's unit is open.
 *
 * @param label what is done, for the report; holds no secret
 */
export function reportExternal(label: string): void {
  const unit = currentUnit();
  if (unit?.openIn !== undefined) tell(unit.openIn, `${label} was begun`);
}

interface Call {
  readonly method: string;
  /** With its port, where it has one. */
  readonly host: string;
  readonly path: string;
}

function onRequest(call: Call | undefined): void {
  const guard = currentUnit()?.openIn;
  if (guard === undefined || call === undefined || isIgnored(guard, call)) return;
  tell(guard, `An HTTP request (${call.method}) was sent to ${call.host}`);
}

function onSocket(message: unknown): void {
  const guard = currentUnit()?.openIn;
  const socket: unknown = valueAt(message, "socket");
  if (guard === undefined || !isSocket(socket)) return;
  const site = captureCallSite(2);
  // Where to is known when it is there; what for, when whoever has asked for it has heard of it.
  socket.once("connect", () => {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined) return;
    const call = { method: "", host: `${remoteAddress}:${String(remotePort)}`, path: "" };
    afterInput(() => {
      if (isOfRequest(socket) || isIgnored(guard, call)) return;
      tell(guard, `A socket was opened to ${call.host}`, site);
    });
  });
}

/** `http` notes on a socket which request it is for; kept alive, it is there for later ones as well. */
function isOfRequest(socket: Socket): boolean {
  return ofRequests.has(socket) || (valueAt(socket, "_httpMessage") ?? undefined) !== undefined;
}

function tell(guard: Guard, what: string, site: CallSite = captureCallSite(2)): void {
  const response = guard.response(RULE);
  if (response === "nothing") return;
  const openedBy = describeCallSite(site);
  guard.report({
    rule: RULE,
    action: "reported",
    message: `${what} while a transaction was open, which holds its server connection and its locks until the answer has come.`,
    help: HELP,
    ...(openedBy === undefined ? {} : { openedBy }),
  });
}

function isIgnored(guard: Guard, { host, path }: Call): boolean {
  const [, name = host, port = ""] = /^\[?(.*?)\]?(?::(\d+))?$/u.exec(host.toLowerCase()) ?? [];
  if (EXPORTER_PORTS.has(port) || EXPORTER_PATH.test(path)) return true;
  return guard.lane.policy.externalCalls.ignoreHosts.some((ignored) =>
    ignored.startsWith("*.") ? name.endsWith(ignored.slice(1)) : name === ignored,
  );
}

function requestOf(message: unknown): Call | undefined {
  const request = valueAt(message, "request");
  const host = valueAt(request, "host");
  if (typeof host !== "string") return undefined;
  const header: unknown = hasGetHeader(request) ? request.getHeader("host") : undefined;
  return {
    method: String(valueAt(request, "method")),
    host: typeof header === "string" ? header : host,
    path: String(valueAt(request, "path")),
  };
}

function fetchOf(message: unknown): Call | undefined {
  const request = valueAt(message, "request");
  const origin = valueAt(request, "origin");
  const text = typeof origin === "string" || origin instanceof URL ? String(origin) : "";
  if (!URL.canParse(text)) return undefined;
  return {
    method: String(valueAt(request, "method")),
    host: new URL(text).host,
    path: String(valueAt(request, "path")),
  };
}

function valueAt(object: unknown, key: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, key) : undefined;
}

function hasGetHeader(value: unknown): value is { getHeader(name: string): unknown } {
  return typeof valueAt(value, "getHeader") === "function";
}

function isSocket(value: unknown): value is Socket {
  return typeof valueAt(value, "once") === "function";
}
