/** Who sent a message: the client of the proxy, or the server behind it. */
export type ProxyDirection = "client" | "server";

/** Messages of a client, as PostgreSQL's protocol documentation names them (`Startup`: StartupMessage). */
export type ClientMessageName =
  | "Startup"
  | "SSLRequest"
  | "GSSENCRequest"
  | "CancelRequest"
  | "PasswordMessage"
  | "SASLInitialResponse"
  | "SASLResponse"
  | "GSSResponse"
  | "Query"
  | "Parse"
  | "Bind"
  | "Describe"
  | "Execute"
  | "Close"
  | "Flush"
  | "Sync"
  | "FunctionCall"
  | "CopyData"
  | "CopyDone"
  | "CopyFail"
  | "Terminate"
  | "Unknown";

/** Messages of a server. `SSLResponse` and `GSSENCResponse` are the single bytes that answer those requests. */
export type ServerMessageName =
  | "SSLResponse"
  | "GSSENCResponse"
  | "AuthenticationOk"
  | "AuthenticationCleartextPassword"
  | "AuthenticationMD5Password"
  | "AuthenticationSASL"
  | "AuthenticationSASLContinue"
  | "AuthenticationSASLFinal"
  | "AuthenticationOther"
  | "NegotiateProtocolVersion"
  | "BackendKeyData"
  | "ParameterStatus"
  | "ReadyForQuery"
  | "RowDescription"
  | "DataRow"
  | "CommandComplete"
  | "EmptyQueryResponse"
  | "ErrorResponse"
  | "NoticeResponse"
  | "NotificationResponse"
  | "ParseComplete"
  | "BindComplete"
  | "CloseComplete"
  | "ParameterDescription"
  | "NoData"
  | "PortalSuspended"
  | "CopyInResponse"
  | "CopyOutResponse"
  | "CopyBothResponse"
  | "CopyData"
  | "CopyDone"
  | "FunctionCallResponse"
  | "Unknown";

/** A message of either side. */
export type ProxyMessageName = ClientMessageName | ServerMessageName;

/** Client messages by their type byte. `p` is told apart by what the server asked for. */
const CLIENT: Readonly<Record<string, ClientMessageName>> = {
  p: "PasswordMessage",
  Q: "Query",
  P: "Parse",
  B: "Bind",
  D: "Describe",
  E: "Execute",
  C: "Close",
  H: "Flush",
  S: "Sync",
  F: "FunctionCall",
  d: "CopyData",
  c: "CopyDone",
  f: "CopyFail",
  X: "Terminate",
};

/** Server messages by their type byte. `R` is told apart by the code in its body. */
const SERVER: Readonly<Record<string, ServerMessageName>> = {
  R: "AuthenticationOther",
  v: "NegotiateProtocolVersion",
  K: "BackendKeyData",
  S: "ParameterStatus",
  Z: "ReadyForQuery",
  T: "RowDescription",
  D: "DataRow",
  C: "CommandComplete",
  I: "EmptyQueryResponse",
  E: "ErrorResponse",
  N: "NoticeResponse",
  A: "NotificationResponse",
  "1": "ParseComplete",
  "2": "BindComplete",
  "3": "CloseComplete",
  t: "ParameterDescription",
  n: "NoData",
  s: "PortalSuspended",
  G: "CopyInResponse",
  H: "CopyOutResponse",
  W: "CopyBothResponse",
  d: "CopyData",
  c: "CopyDone",
  V: "FunctionCallResponse",
};

const AUTHENTICATION: Readonly<Record<number, ServerMessageName>> = {
  0: "AuthenticationOk",
  3: "AuthenticationCleartextPassword",
  5: "AuthenticationMD5Password",
  10: "AuthenticationSASL",
  11: "AuthenticationSASLContinue",
  12: "AuthenticationSASLFinal",
};

/** What `p` is in answer to; anything else, and nothing, asks for a password. */
const ANSWERS: Partial<Readonly<Record<ServerMessageName, ClientMessageName>>> = {
  AuthenticationSASL: "SASLInitialResponse",
  AuthenticationSASLContinue: "SASLResponse",
  AuthenticationOther: "GSSResponse",
};

const byByte = <Name>(names: Readonly<Record<string, Name>>): readonly (Name | undefined)[] =>
  Array.from({ length: 256 }, (_, byte) => names[String.fromCodePoint(byte)]);

/** Name by type byte: the lookup of every message that passes. */
export const nameByByte: Readonly<
  Record<ProxyDirection, readonly (ProxyMessageName | undefined)[]>
> = { client: byByte(CLIENT), server: byByte(SERVER) };

/** Every name that a rule may ask for, to refuse the others. */
export const namesOf: Readonly<Record<ProxyDirection, readonly ProxyMessageName[]>> = {
  client: [
    "Startup",
    "SSLRequest",
    "GSSENCRequest",
    "CancelRequest",
    "SASLInitialResponse",
    "SASLResponse",
    "GSSResponse",
    ...Object.values(CLIENT),
    "Unknown",
  ],
  server: [
    "SSLResponse",
    "GSSENCResponse",
    ...Object.values(AUTHENTICATION),
    ...Object.values(SERVER),
    "Unknown",
  ],
};

/** The authentication request with this code. */
export function authenticationName(code: number): ServerMessageName {
  return AUTHENTICATION[code] ?? "AuthenticationOther";
}

/** What a `p` of the client is, after the server's last authentication request. */
export function answerName(asked: ServerMessageName | undefined): ClientMessageName {
  return (asked && ANSWERS[asked]) ?? "PasswordMessage";
}
