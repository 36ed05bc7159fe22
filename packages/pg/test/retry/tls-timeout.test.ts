import { readFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

import { expect, test } from "vitest";

import { openClient } from "../../src/login/open-client.ts";
import { sharedState } from "../../src/registry.ts";
import { startLoginBed } from "../login/login-world.ts";
import { clientOf, guarded } from "../login/source-login.ts";
import { rejection } from "../world.ts";

/** An SSLRequest; what comes behind it is the TLS handshake. */
const SSL_REQUEST_BYTES = 8;
const LIMIT_MS = 500;

test("a TLS handshake that nobody answers is begun once, with a session on offer as well", async () => {
  delete sharedState().login;
  const bed = await startLoginBed({ tls: true });
  const sockets = new Set<Socket>();
  let isDeaf = false;
  let accepted = 0;
  const { port } = new URL(bed.urls.pooled);
  const way = createServer((near) => {
    const far = connect(Number(port), "127.0.0.1");
    accepted += 1;
    for (const socket of [near, far]) sockets.add(socket.on("error", () => near.destroy()));
    let passed = 0;
    near.on("data", (bytes: Buffer) => {
      far.write(isDeaf ? bytes.subarray(0, Math.max(0, SSL_REQUEST_BYTES - passed)) : bytes);
      passed += bytes.length;
    });
    far.pipe(near);
  });
  try {
    way.listen(0, "127.0.0.1");
    await once(way, "listening");
    const address = way.address();
    const { pg } = guarded();
    const config = {
      host: "127.0.0.1",
      port: typeof address === "object" && address !== null ? address.port : 0,
      user: "app",
      password: "app",
      database: "app",
      ssl: { ca: readFileSync(bed.caFile ?? "", "utf8") },
      connectionTimeoutMillis: 5_000,
    };
    const first = await openClient(() => clientOf(pg, config));
    await first.query("select 1");
    await first.end();

    isDeaf = true;
    const short = { ...config, connectionTimeoutMillis: LIMIT_MS };
    const from = performance.now();
    const error = await rejection(openClient(() => clientOf(pg, short)));

    expect(error).toBeInstanceOf(Error);
    expect(accepted).toBe(2);
    expect(performance.now() - from).toBeLessThan(2 * LIMIT_MS);
  } finally {
    for (const socket of sockets) socket.destroy();
    way.close();
    await bed.stop();
    delete sharedState().login;
  }
});
