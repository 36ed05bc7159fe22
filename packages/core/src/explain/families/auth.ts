import type { Fault, Signature } from "../fault.ts";

/** What stands between a connection and its login. */
export type AuthFault =
  | "auth.failed"
  | "auth.no-password"
  | "auth.unsupported-method"
  | "auth.server-unproven";

/** What is said about each. None of them names the user or shows a password. */
export function authFaults(): Readonly<Record<AuthFault, Fault>> {
  return {
    "auth.failed": {
      retryable: "no",
      sentence:
        "The pooler or the server does not let this user in: unknown, wrong password, or not allowed from here.",
      hint: "Check user and password (special characters of a URL must be escaped), the pooler's user list and pg_hba.conf.",
    },
    "auth.no-password": {
      retryable: "no",
      sentence: "The server asks for a password, and the client has none.",
      hint: "Set the password; the environment variable that it comes from (PGPASSWORD, DATABASE_URL) is empty or not set.",
    },
    "auth.unsupported-method": {
      retryable: "no",
      sentence: "Client and server have no way of authentication in common.",
      hint: "Set SCRAM or md5 for this user in the pooler and in pg_hba.conf.",
    },
    "auth.server-unproven": {
      retryable: "no",
      sentence:
        "The other end could not prove that it knows the password; it may not be the server it claims to be.",
      hint: "Check host and port and who answers there, and demand verified TLS.",
    },
  };
}

const PG = { from: "client", source: "pg crypto/sasl.js, 8.5 to 8.23" } as const;

/** A wrong password is 28P01 from PostgreSQL, and 08P01 with a text from PgBouncer. */
export function authSignatures(): readonly Signature<AuthFault>[] {
  return [
    {
      from: "pooler",
      kind: "auth.failed",
      codes: ["08P01"],
      text: /^(?:(?:password|SASL|"trust"|certificate|PAM|LDAP) authentication failed|no such user|login rejected|unix socket login rejected|not allowed|no username supplied|(?:username|password) too long)$/,
      source: "pgbouncer client.c; measured",
    },
    {
      from: "pooler",
      kind: "auth.failed",
      codes: ["XX000"],
      text: /^\((?:EWRONGPASSWORD|EJITUNAUTHORIZED|EADDRNOTALLOWED)\) /,
      source: "supavisor lib/supavisor/errors",
    },
    {
      from: "pooler",
      kind: "auth.failed",
      text: /^(?:This RDS proxy has no credentials for the role |The password that was provided for the role |The IAM authentication failed for the role |IAM authentication failed for user )/,
      source: "AWS documentation, rds-proxy.troubleshooting",
    },
    {
      from: "pooler",
      kind: "auth.failed",
      codes: ["58000"],
      text: /^odyssey: (?:\w+: )?ldap authentication failed for user /,
      source: "odyssey sources/ldap.c",
    },
    {
      from: "server",
      kind: "auth.failed",
      codes: ["28000", "28P01"],
      source: "PostgreSQL errcodes.txt",
    },
    {
      from: "client",
      kind: "auth.failed",
      codes: ["P1000", "P1010"],
      symptom: true,
      source: "Prisma error reference",
    },
    {
      ...PG,
      kind: "auth.no-password",
      text: /^(?:SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a (?:non-empty )?string|Password must be a string)$/,
    },
    {
      from: "pooler",
      kind: "auth.no-password",
      codes: ["08P01"],
      text: /^empty password returned by client$/,
      source: "pgbouncer client.c",
    },
    {
      ...PG,
      kind: "auth.unsupported-method",
      text: /^(?:SASL: Only mechanism|SASL: Mechanism SCRAM-SHA-256-PLUS requires a certificate$|Unknown authenticationOk message type)/,
    },
    {
      from: "pooler",
      kind: "auth.unsupported-method",
      codes: ["08P01"],
      text: /^(?:client selected an invalid SASL authentication mechanism|old V2 protocol not supported)$/,
      source: "pgbouncer client.c",
    },
    {
      from: "pooler",
      kind: "auth.unsupported-method",
      codes: ["0A000"],
      text: /^odyssey: (?:\w+: )?(?:unsupported frontend protocol |frontend auth: doesn't support )/,
      source: "odyssey sources/frontend.c, auth.c",
    },
    {
      from: "pooler",
      kind: "auth.unsupported-method",
      text: /^RDS (?:Proxy )?supports only IAM\b/,
      source: "AWS documentation, rds-proxy.troubleshooting",
    },
    {
      ...PG,
      kind: "auth.server-unproven",
      text: /^SASL: SCRAM-SERVER-(?:FIRST-MESSAGE: server nonce does not start with client nonce|FINAL-MESSAGE: server signature (?:does not match|is missing))$/,
    },
  ];
}
