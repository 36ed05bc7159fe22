import { connect, createServer, type Socket } from "node:net";

interface Task {
  readonly hostname: string;
  readonly port: number;
  readonly roundTripMs: number;
}

process.once("message", ({ hostname, port, roundTripMs }: Task) => {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: hostname, port, noDelay: true });
    // A connection through the loopback stands at once; a far one stands after a round trip.
    const stands = performance.now() + roundTripMs;
    pass(client, upstream, { oneWayMs: roundTripMs / 2, notBefore: stands });
    pass(upstream, client, { oneWayMs: roundTripMs / 2, notBefore: 0 });
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (typeof address === "object") process.send?.(address?.port);
  });
});
process.once("disconnect", () => process.exit());

/** Hands on what comes, each piece later by the time of one way, in order and close together as it came. */
function pass(
  from: Socket,
  to: Socket,
  { oneWayMs, notBefore }: { readonly oneWayMs: number; readonly notBefore: number },
): void {
  const under: { readonly at: number; readonly act: () => void }[] = [];
  let waiting = false;
  const deliver = (): void => {
    waiting = false;
    for (let next = under[0]; next !== undefined; next = under[0]) {
      if (next.at > performance.now()) break;
      under.shift();
      next.act();
    }
    wait();
  };
  const wait = (): void => {
    const [next] = under;
    if (waiting || next === undefined) return;
    waiting = true;
    const left = next.at - performance.now();
    // Timers are whole milliseconds and late; the last one is spent looking at the clock.
    if (left > 1.5) setTimeout(deliver, left - 1.5);
    else setImmediate(deliver);
  };
  const later = (act: () => void): void => {
    under.push({ at: Math.max(performance.now(), notBefore) + oneWayMs, act });
    wait();
  };
  from.on("data", (bytes) => later(() => to.write(bytes)));
  from.on("end", () => later(() => to.end()));
  from.on("error", () => to.destroy());
  from.on("close", (hadError) => {
    if (hadError) to.destroy();
  });
}
