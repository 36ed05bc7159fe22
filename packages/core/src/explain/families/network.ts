import type { Fault, Signature } from "../fault.ts";

/** What happened between this process and the other end. */
export type NetworkFault =
  | "network.refused"
  | "network.dns"
  | "network.unreachable"
  | "network.timeout"
  | "network.lost"
  | "network.no-local-port"
  | "network.no-descriptor";

/** What is said about each. */
export function networkFaults(): Readonly<Record<NetworkFault, Fault>> {
  return {
    "network.refused": {
      retryable: "yes",
      sentence:
        "Nobody listens at the address: the pooler or the database is down, or host or port is wrong.",
      hint: "Check host and port, and that the pooler runs; during a restart, retry with a pause.",
    },
    "network.dns": {
      retryable: "yes",
      sentence: "The host's name could not be resolved to an address.",
      hint: "Check the host in the URL and the resolver of this machine or container.",
    },
    "network.unreachable": {
      retryable: "yes",
      sentence: "No way leads to the address; no connection was made.",
      hint: "Check host and port, routes and firewalls between this machine and the pooler.",
    },
    "network.timeout": {
      retryable: "if-not-sent",
      sentence: "The other end stopped answering, and the system gave the connection up.",
      hint: "Check the network between this machine and the pooler; keep `connections.keepAliveMs` above 0, so that a dead connection is noticed early.",
    },
    "network.lost": {
      retryable: "if-not-sent",
      sentence:
        "The connection was closed without a word: a restart, a crash, a load balancer or a firewall in between.",
      hint: "Look into the pooler's log at this moment; connect again after a pause.",
    },
    "network.no-local-port": {
      retryable: "yes",
      sentence:
        "This machine has no free local port for a new connection; closed ones keep theirs for about a minute.",
      hint: 'Set `connections.reuse: "pool"`, so that connections are kept under load instead of being closed.',
    },
    "network.no-descriptor": {
      retryable: "yes",
      sentence:
        "This process has as many open files and sockets as it may have, and could open no connection.",
      hint: "Lower `connections.maxPerProcess`, or raise the limit of open files (`ulimit -n`).",
    },
  };
}

const NODE = { from: "client", source: "node's error.code" } as const;

/** By node's `code`; the texts are pg's. */
export function networkSignatures(): readonly Signature<NetworkFault>[] {
  return [
    // Of an open connection the kernel says so when it has sent in vain, and when keepalive got no answer
    // (tcp_write_err in Linux' tcp_timer.c gives the last ICMP error): a statement may have been sent.
    {
      ...NODE,
      kind: "network.timeout",
      codes: ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"],
      text: /^(?:read|write) E[A-Z]+/,
    },
    // ENOENT is a Unix socket that is not there; a missing file has it too and is no fault of a network.
    { ...NODE, kind: "network.refused", codes: ["ECONNREFUSED"] },
    { ...NODE, kind: "network.refused", codes: ["ENOENT"], text: /^connect ENOENT / },
    {
      ...NODE,
      kind: "network.dns",
      codes: ["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME", "EAI_SYSTEM"],
    },
    {
      ...NODE,
      kind: "network.unreachable",
      codes: ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"],
    },
    // A firewall on this machine, or a Unix socket that this user may not open; files have these codes too.
    { ...NODE, kind: "network.unreachable", codes: ["EACCES", "EPERM"], text: /^connect E/ },
    {
      from: "client",
      kind: "network.unreachable",
      codes: ["P1001"],
      symptom: true,
      source: "Prisma error reference",
    },
    // The second: node gave up one of several addresses of a host, for another.
    { ...NODE, kind: "network.timeout", codes: ["ETIMEDOUT", "ERR_SOCKET_CONNECTION_TIMEOUT"] },
    {
      from: "client",
      kind: "network.timeout",
      codes: ["P1002", "P1008"],
      symptom: true,
      source: "Prisma error reference",
    },
    {
      ...NODE,
      kind: "network.lost",
      codes: ["ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN"],
      symptom: true,
    },
    {
      ...NODE,
      kind: "network.lost",
      codes: ["ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END", "ERR_SOCKET_CLOSED"],
      symptom: true,
    },
    {
      from: "client",
      kind: "network.lost",
      text: /^Connection terminated(?: unexpectedly)?$/,
      symptom: true,
      source: "pg client.js, 8.5 to 8.23",
    },
    {
      from: "client",
      kind: "network.lost",
      codes: ["P1017"],
      symptom: true,
      source: "Prisma error reference",
    },
    { ...NODE, kind: "network.no-local-port", codes: ["EADDRNOTAVAIL"] },
    { ...NODE, kind: "network.no-descriptor", codes: ["EMFILE", "ENFILE"] },
  ];
}
