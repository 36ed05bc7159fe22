import type { Fault, Signature } from "../fault.ts";

/** What TLS found wrong. */
export type TlsFault =
  | "tls.unsupported"
  | "tls.required"
  | "tls.self-signed"
  | "tls.unknown-issuer"
  | "tls.wrong-host"
  | "tls.expired"
  | "tls.failed";

/** What is said about each. */
export function tlsFaults(): Readonly<Record<TlsFault, Fault>> {
  return {
    "tls.unsupported": {
      retryable: "no",
      sentence: "The client asks for TLS, and the other end does not offer it.",
      hint: "Set `client_tls_sslmode` in PgBouncer (`ssl` in PostgreSQL), or `sslmode=disable` where the network is trusted.",
    },
    "tls.required": {
      retryable: "no",
      sentence: "The other end takes connections over TLS only, and the client did not ask for it.",
      hint: "Set `sslmode=verify-full` and the CA that signed the server's certificate.",
    },
    "tls.self-signed": {
      retryable: "no",
      sentence:
        "The server's certificate, or one of its chain, is signed by itself, and no given CA vouches for it.",
      hint: "Set `sslrootcert` (or `ssl.ca`) to the CA of the pooler or the provider; pg reads `sslmode=require` as `verify-full`.",
    },
    "tls.unknown-issuer": {
      retryable: "no",
      sentence: "Nobody whom this process trusts has signed the server's certificate.",
      hint: "Set `sslrootcert` (or `ssl.ca`) to the CA of the pooler or the provider, intermediate certificates included.",
    },
    "tls.wrong-host": {
      retryable: "no",
      sentence:
        "The server's certificate was made for another host than the one that was asked for.",
      hint: "Connect by the name that the certificate carries, or give the pooler a certificate for this name.",
    },
    "tls.expired": {
      retryable: "no",
      sentence: "The server's certificate is not valid at this time.",
      hint: "Renew the certificate, or correct the clock of this machine.",
    },
    "tls.failed": {
      retryable: "no",
      sentence: "The TLS handshake failed; no connection was made.",
      hint: "Check that both ends share a TLS version and that the port speaks the Postgres protocol.",
    },
  };
}

const OPENSSL = { from: "client", source: "node's error.code, named by OpenSSL" } as const;
// Prisma's adapter keeps OpenSSL's text and drops its code. Nobody translates these texts.
const REASON = {
  from: "client",
  codes: ["TlsConnectionError"],
  source: "@prisma/adapter-pg 7.10, errors.ts",
} as const;
const PG = { from: "client", source: "pg connection.js, 8.5 to 8.23" } as const;

/** By node's `code`, by pg's text, and by OpenSSL's text where an ORM keeps nothing else. */
export function tlsSignatures(): readonly Signature<TlsFault>[] {
  return [
    { ...PG, kind: "tls.unsupported", text: /^The server does not support SSL connections$/ },
    { ...REASON, kind: "tls.unsupported", text: /^The server does not support SSL connections$/ },
    {
      from: "pooler",
      kind: "tls.required",
      codes: ["08P01"],
      text: /^SSL required$/,
      source: "pgbouncer client.c",
    },
    {
      from: "pooler",
      kind: "tls.required",
      codes: ["08P01", "28000"],
      text: /^odyssey: (?:\w+: )?(?:SSL is required|TLS connection required)$/,
      source: "odyssey sources/frontend.c, auth.c",
    },
    {
      from: "pooler",
      kind: "tls.required",
      codes: ["XX000"],
      text: /^\(ESSLREQUIRED\) /,
      source: "supavisor lib/supavisor/errors",
    },
    {
      from: "pooler",
      kind: "tls.required",
      text: /^(?:This RDS [Pp]roxy requires TLS connections|IAM (?:authentication )?is allowed only with SSL connections)/,
      source: "AWS documentation, rds-proxy.troubleshooting",
    },
    {
      from: "pooler",
      kind: "tls.required",
      codes: ["08004"],
      text: /^only TLS connections are allowed$/,
      source: "pgdog net/messages/error_response.rs",
    },
    {
      ...OPENSSL,
      kind: "tls.self-signed",
      codes: ["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN"],
    },
    {
      ...REASON,
      kind: "tls.self-signed",
      text: /^self[- ]signed certificate(?: in certificate chain)?(?:;|$)/,
    },
    {
      ...OPENSSL,
      kind: "tls.unknown-issuer",
      codes: [
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "UNABLE_TO_GET_ISSUER_CERT",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "CERT_UNTRUSTED",
        "INVALID_CA",
      ],
    },
    {
      ...REASON,
      kind: "tls.unknown-issuer",
      text: /^(?:unable to (?:verify the first certificate|get (?:local )?issuer certificate)|certificate not trusted|invalid CA certificate)(?:;|$)/,
    },
    {
      ...OPENSSL,
      kind: "tls.wrong-host",
      codes: ["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"],
    },
    {
      ...REASON,
      kind: "tls.wrong-host",
      text: /^Hostname\/IP does not match certificate's altnames: /,
    },
    { ...OPENSSL, kind: "tls.expired", codes: ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"] },
    {
      ...REASON,
      kind: "tls.expired",
      text: /^certificate (?:has expired|is not yet valid)(?:;|$)/,
    },
    {
      ...OPENSSL,
      kind: "tls.failed",
      codes: [
        "EPROTO",
        "CERT_SIGNATURE_FAILURE",
        "CERT_REVOKED",
        "CERT_REJECTED",
        "CERT_CHAIN_TOO_LONG",
        "INVALID_PURPOSE",
        "ERR_TLS_CERT_ALTNAME_FORMAT",
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_SSL_UNSUPPORTED_PROTOCOL",
        "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "ERR_SSL_UNEXPECTED_EOF_WHILE_READING",
      ],
    },
    { ...PG, kind: "tls.failed", text: /^There was an error establishing an SSL connection$/ },
    { ...REASON, kind: "tls.failed", symptom: true },
    {
      from: "client",
      kind: "tls.failed",
      codes: ["P1011"],
      symptom: true,
      source: "Prisma error reference",
    },
    {
      from: "pooler",
      kind: "tls.failed",
      codes: ["08006"],
      text: /^\(ESSLHANDSHAKE\) /,
      source: "supavisor lib/supavisor/errors",
    },
  ];
}
