import { connect, createServer, type Socket } from "node:net";

/** A wire between a client and a server on which a test decides when the server's words arrive. */
export interface Wire extends AsyncDisposable {
  /** The same URL, over the wire. */
  url(original: string): string;
  /** From now on what the server says, and its goodbyes, are kept. */
  hold(): void;
  /** From now on the server's goodbyes alone are kept: its last word arrives, and the end does not. */
  holdEnds(): void;
  /** What was kept arrives, and what follows as well. */
  letGo(): void;
  /** Ends every connection at once, as a network does. */
  cut(): void;
  /** How many sockets of clients have been opened since the start. */
  readonly opened: number;
  /** How many are open now, and how many were at most. */
  readonly open: number;
  readonly mostOpen: number;
}

/** A TCP proxy before host and port of a URL. */
export async function startWire(original: string): Promise<Wire> {
  const { hostname, port } = new URL(original);
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  const kept: (() => void)[] = [];
  const seen = { opened: 0, open: 0, mostOpen: 0 };
  let isHeld = false;
  let isEndHeld = false;
  const pass = (action: () => void): void => {
    if (isHeld) kept.push(action);
    else action();
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const pair = [near, far] as const;
    pairs.add(pair);
    seen.opened += 1;
    seen.open += 1;
    seen.mostOpen = Math.max(seen.mostOpen, seen.open);
    for (const socket of pair) socket.on("error", () => undefined);
    near.on("data", (chunk) => far.write(chunk));
    near.on("end", () => far.end());
    near.on("close", () => {
      pairs.delete(pair);
      seen.open -= 1;
      far.destroy();
    });
    far.on("data", (chunk: Buffer) => pass(() => near.write(chunk)));
    const end = (): void => {
      if (isEndHeld) kept.push(() => near.end());
      else pass(() => near.end());
    };
    far.on("end", end);
    far.on("close", end);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    url(text) {
      const url = new URL(text);
      url.port = String(own);
      return url.href;
    },
    hold() {
      isHeld = true;
    },
    holdEnds() {
      isEndHeld = true;
    },
    letGo() {
      isHeld = false;
      isEndHeld = false;
      for (const action of kept.splice(0)) action();
    },
    cut,
    get opened() {
      return seen.opened;
    },
    get open() {
      return seen.open;
    },
    get mostOpen() {
      return seen.mostOpen;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
