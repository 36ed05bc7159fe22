import { describe, expect, test } from "vitest";

import { mayConnectLater } from "../../src/retry/connect-fault.ts";
import { attemptLimit, pauseAfter } from "../../src/retry/connect-retry.ts";

function answer(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: "error", severity: "FATAL", code });
}

function fromNode(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.1:6432`), { code, syscall: "connect" });
}

describe("the pause before the next connect", () => {
  test.each([
    [1, 0, 25],
    [1, 1, 50],
    [2, 0, 50],
    [3, 0.5, 150],
    [5, 1, 800],
    [6, 0, 500],
    [6, 1, 1_000],
    [2_000, 1, 1_000],
  ])("after %i failures, with the dice at %d: %i ms", (failures, dice, ms) => {
    expect(pauseAfter(failures, dice)).toBe(ms);
  });
});

describe("the time for one connect, of the time that a caller waits", () => {
  test.each([
    [5_000, 2_500],
    [1_500, 1_000],
    [1_000, 1_000],
    [300, 300],
  ])("%i ms: %i ms", (acquireTimeoutMs, ms) => {
    expect(attemptLimit(acquireTimeoutMs)).toBe(ms);
  });
});

describe("a connect that failed with", () => {
  const later: readonly Error[] = [
    fromNode("ECONNREFUSED"),
    new AggregateError([fromNode("ECONNREFUSED"), fromNode("ENETUNREACH")]),
    fromNode("ENOTFOUND"),
    fromNode("EAI_AGAIN"),
    fromNode("EHOSTUNREACH"),
    fromNode("ETIMEDOUT"),
    fromNode("ECONNRESET"),
    fromNode("EADDRNOTAVAIL"),
    new Error("Connection terminated unexpectedly"),
    new Error("timeout expired"),
    answer("08P01", "no more connections allowed (max_client_conn)"),
    answer("08P01", "server login has been failing, try again later (server_login_retry)"),
    answer("08P01", "pooler is shutting down"),
    answer("08P01", "client_login_timeout (server down)"),
    answer("08P01", "server conn crashed?"),
    answer("57P01", "das Datenbanksystem wird heruntergefahren"),
    answer("57P03", "das Datenbanksystem startet"),
    answer("53300", "zu viele Verbindungen"),
    answer("XX000", "Couldn't connect to compute node"),
  ];

  test.each(later)("%s is tried again", (error) => {
    expect(mayConnectLater(error)).toBe(true);
  });

  const never: readonly Error[] = [
    answer("28P01", "Passwort-Authentifizierung fehlgeschlagen"),
    answer("08P01", "SASL authentication failed"),
    answer("3D000", "Datenbank existiert nicht"),
    answer("08P01", "unsupported startup parameter: jit"),
    answer("08P01", "bouncer config error"),
    answer("XX000", "(ECIRCUITBREAKER) too many authentication errors"),
    fromNode("EMFILE"),
    fromNode("SELF_SIGNED_CERT_IN_CHAIN"),
    new Error("The server does not support SSL connections"),
    new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"),
    new Error("something that nobody knows"),
  ];

  test.each(never)("%s is not", (error) => {
    expect(mayConnectLater(error)).toBe(false);
  });
});
