import assert from "node:assert/strict";
import dns from "node:dns";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { eventually, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable } from "../ask.ts";
import { judge, writeThrough } from "./writers.ts";

const feature = "A name that moves is followed";

/** No such host anywhere (RFC 6761): only this scenario's own resolver knows it. */
const NAME = "database.test";

/** The whole of 127.0.0.0/8 is this machine, so that a name can have several addresses here. */
const OLD = "127.0.0.1";
const NEW = "127.0.0.2";

/** A failover, or a pooler that was moved: the name stays, its address does not. */
export const moved: readonly Scenario[] = [
  {
    id: "resilience/name-moves",
    title: "follows a name to its new address, under load and without a lost write",
    feature,
    async run({ open, server }) {
      await using old = await relay(OLD, server.url);
      await using next = await relay(NEW, server.url, old.port);
      using names = resolving(OLD);
      const db = await open({
        policy: { connections: { maxLifetimeMs: 1_000, idleTimeoutMs: 500 } },
        at: { host: NAME, port: old.port },
      });

      const account = await writeThrough(db, {
        async while() {
          names.address = NEW;
          await old.stop();
        },
        recoversWithinMs: 6_000,
      });

      await judge(server, account);
      assert.ok(next.served > 0, "Nobody has come to the new address.");
    },
  },
  {
    id: "resilience/host-swallows-login",
    title: "leaves a host that swallows its login, and finds the other within the acquire limit",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const connections = { acquireTimeoutMs: 4_000, lingerMs: 0 };
      const db = await open({ through: proxy, policy: { connections } });
      // One that is still open would not have to log in.
      await eventually(() => assert.deepEqual(proxy.connections, []));
      proxy.when({ direction: "client", message: "Startup", nth: 1 }, "blackHole");

      await soon("The write", db.insert("one"));

      assert.deepEqual(await durable(server), ["one"]);
    },
  },
  {
    id: "resilience/name-unknown",
    title: "waits for a name that does not resolve for a moment",
    feature,
    async run({ open, server }) {
      await using only = await relay(OLD, server.url);
      using names = resolving(undefined);
      // TypeORM connects when it is opened, Prisma when it is asked.
      const opening = (async () => {
        const db = await open({ at: { host: NAME, port: only.port } });
        await db.insert("one");
      })();
      opening.catch(() => {});

      await eventually(() => assert.ok(names.asked > 1, "The name was resolved once."));
      names.address = OLD;

      await soon("The write", opening);
      assert.deepEqual(await durable(server), ["one"]);
    },
  },
];

interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Clients so far. */
  readonly served: number;
  stop(): Promise<void>;
}

/** The server of a URL under another address. */
async function relay(host: string, url: string, at = 0): Promise<Relay> {
  const target = new URL(url);
  const open = new Set<Socket>();
  let served = 0;
  const listener: Server = createServer((near) => {
    served += 1;
    const far = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one
        .on("error", () => {})
        .on("close", () => {
          open.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  listener.listen(at, host);
  await once(listener, "listening");
  const address = listener.address();
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const closed = once(listener, "close");
    listener.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get served() {
      return served;
    },
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  };
}

interface Names extends Disposable {
  /** `undefined`: the name does not resolve. */
  address: string | undefined;
  readonly asked: number;
}

/** Answers for {@link NAME} in the place of the machine's resolver, which every connect of node asks. */
function resolving(address: string | undefined): Names {
  const own = dns.lookup;
  let asked = 0;
  const names: Names = {
    address,
    get asked() {
      return asked;
    },
    [Symbol.dispose]: () => void Object.assign(dns, { lookup: own }),
  };
  const lookup = (name: string, ...rest: unknown[]): void => {
    if (name === NAME) asked += 1;
    const found = name === NAME ? (names.address ?? "nowhere.invalid") : name;
    Reflect.apply(own, dns, [found, ...rest]);
  };
  Object.assign(dns, { lookup });
  return names;
}
