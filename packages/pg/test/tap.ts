import { connect, createServer, type Socket } from "node:net";

/** A wire between a client and a server that a test can cut, or make deaf. */
export interface Tap extends AsyncDisposable {
  /** The same URL, over the wire. */
  url(original: string): string;
  /** From now on nothing that the server says gets through. */
  deafen(): void;
  /** Ends every connection at once, as a network does. */
  cut(): void;
}

/** A TCP proxy before host and port of a URL. */
export async function startTap(original: string): Promise<Tap> {
  const { hostname, port } = new URL(original);
  const sockets = new Set<Socket>();
  let isDeaf = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      if (!isDeaf) near.write(chunk);
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url(text) {
      const url = new URL(text);
      url.port = String(own);
      return url.href;
    },
    deafen() {
      isDeaf = true;
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
