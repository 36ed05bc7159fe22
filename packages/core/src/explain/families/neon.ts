import type { Signature } from "../fault.ts";
import type { AuthFault } from "./auth.ts";
import type { PoolerFault } from "./pooler.ts";
import type { ServerFault } from "./server.ts";
import type { TlsFault } from "./tls.ts";

/** Neon's proxy says everything of its own with `internal_error`. */
const PROXY = { from: "pooler", codes: ["XX000"], source: "neon proxy/src" } as const;
const CONSOLE = {
  from: "pooler",
  codes: ["XX000"],
  source: "Neon documentation, connection errors",
} as const;

/**
 * The proxy in front of Neon's computes, which every connection goes through, pooled or not. What comes
 * from the compute behind it, or from the PgBouncer there, is PostgreSQL's and PgBouncer's.
 */
export function neonSignatures(): readonly Signature<
  AuthFault | PoolerFault | ServerFault | TlsFault
>[] {
  return [
    {
      ...PROXY,
      kind: "pooler.unsupported-startup-parameter",
      text: /^unsupported startup parameter(?: in options)?: (?<name>[^ ]+)\. Please use unpooled connection/,
    },
    {
      ...PROXY,
      kind: "pooler.server-unreachable",
      text: /^(?:Couldn't connect to compute node|Control plane request failed$)/,
    },
    {
      ...PROXY,
      kind: "pooler.too-many-logins",
      text: /^(?:Failed to acquire permit to connect to the database\. |Too many connections? (?:attempts$|to this endpoint\. ))/,
    },
    { ...PROXY, kind: "pooler.login-timeout", text: /^Authentication timed out$/ },
    {
      ...PROXY,
      kind: "pooler.database-disabled",
      text: /^Control plane request failed: endpoint is (?:disabled$|temporarily unavailable\. )/,
    },
    {
      ...CONSOLE,
      kind: "pooler.database-disabled",
      text: /^(?:The endpoint has been disabled\. |Your (?:account or )?project has exceeded the .+ quota\.)/,
    },
    {
      ...PROXY,
      kind: "server.unknown-database",
      text: /^(?:Endpoint ID is not specified\. |Inconsistent project name inferred from SNI |Project name \('|Control plane request failed: endpoint cannot be found$)/,
    },
    {
      ...CONSOLE,
      kind: "server.unknown-database",
      text: /^The requested endpoint could not be found, or you don['’]t have access to it\./,
    },
    {
      ...PROXY,
      kind: "auth.failed",
      text: /^(?:password authentication failed for user '.*'$|This IP address .+ is not allowed to connect to this endpoint\.|This connection is trying to access this endpoint from a blocked network\.|(?:This )?VPC endpoint (?:id|ID) )/,
    },
    {
      ...PROXY,
      kind: "tls.required",
      text: /^connection is insecure \(try using `sslmode=require`\)$/,
    },
  ];
}
