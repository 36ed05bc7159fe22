import { connect, createServer, type Socket } from "node:net";

import type { Policy } from "@doorpolicy/core";
import type { FaultProxy } from "@doorpolicy/testbed";

export const PIPELINED: Policy = {
  connections: { pipelineHandshake: true },
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
};

/** Names of what has passed, in its order; what the server says of itself is left out. */
export function passed(proxy: FaultProxy): string[] {
  return proxy.seen
    .filter(({ message }) => message !== "ParameterStatus")
    .map(({ direction, message }) => `${direction === "client" ? "→" : "←"} ${message}`);
}

const ANSWER = ["← RowDescription", "← DataRow", "← CommandComplete", "← ReadyForQuery"];
const LET_IN = [
  "← AuthenticationSASLFinal",
  "← AuthenticationOk",
  "← BackendKeyData",
  "← ReadyForQuery",
];

/** Three round trips. The proxy calls the first SASL message by what the server has asked for: nothing. */
export const IN_THREE = [
  "→ Startup",
  "→ PasswordMessage",
  "← AuthenticationSASL",
  "← AuthenticationSASLContinue",
  "→ SASLResponse",
  "→ Query",
  ...LET_IN,
  ...ANSWER,
  "→ Terminate",
];

export const IN_FIVE = [
  "→ Startup",
  "← AuthenticationSASL",
  "→ SASLInitialResponse",
  "← AuthenticationSASLContinue",
  "→ SASLResponse",
  ...LET_IN,
  "→ Query",
  ...ANSWER,
  "→ Terminate",
];

/** A TCP address whose server changes. */
export interface Way extends AsyncDisposable {
  readonly port: number;
  readonly accepted: number;
  turn(to: string): void;
  /** The next connection ends when the server answers for the second time: in the TLS handshake. */
  breakNext(): void;
}

/** A way that leads to one server until it is turned. */
export async function startWay(to: string): Promise<Way> {
  let target = new URL(to);
  let accepted = 0;
  let isBreaking = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    accepted += 1;
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    let answers = isBreaking ? 0 : Number.NaN;
    isBreaking = false;
    near.pipe(far);
    far.on("data", (chunk) => {
      answers += 1;
      if (answers === 2) near.end();
      else near.write(chunk);
    });
    far.on("close", () => near.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get accepted() {
      return accepted;
    },
    turn(next) {
      target = new URL(next);
    },
    breakNext() {
      isBreaking = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
