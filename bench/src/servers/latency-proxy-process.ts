import { connect, createServer, type Socket } from "node:net";

/** Short beside the way, and long enough that the processor is left to those who are measured. */
const NAP_MS = 0.1;
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

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
    // Timers are whole milliseconds and late: the last one is slept through in short pieces.
    if (left > 1.5) setTimeout(deliver, left - 1.5);
    else setImmediate(sleepAndDeliver, Math.min(left, NAP_MS));
  };
  const sleepAndDeliver = (milliseconds: number): void => {
    Atomics.wait(nobodyWakes, 0, 0, Math.max(milliseconds, 0));
    deliver();
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
