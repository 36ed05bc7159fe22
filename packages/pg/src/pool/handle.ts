import { soon } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { queryInOwnContext } from "./own-context.ts";

/** What a handle does itself; everything else is the connection's. */
export interface HandleMethods {
  /**
   * Its listeners of `error` are not called. For the one statement of `pool.query()`: pg-pool listens
   * beside it, and would answer its caller with the socket's error before the statement does with what
   * is known of its outcome. And for an ORM that gives its connection up when it hears of the loss.
   */
  readonly isDeaf: boolean;
  /** True once it was given back: then `end()` does nothing, since the connection is somebody else's. */
  isReleased(): boolean;
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
  release(error?: unknown): void;
}

type Listener = (...values: unknown[]) => void;

const ADDS_LISTENER: ReadonlySet<string | symbol> = new Set([
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
]);

const REMOVES_LISTENER: ReadonlySet<string | symbol> = new Set(["off", "removeListener"]);

/** From so many on a holder's listeners are looked through: those of `once` have gone by themselves. */
const MANY_LISTENERS = 32;

/**
 * One holder's view of a connection that others will hold after it, or beside it: it is the connection
 * in all that it shows (`instanceof` included), with its own `query` and `release`, and with its own
 * listeners. Whoever keeps it cannot reach into the transaction of the next holder.
 *
 * Nothing of ours may keep what `client` is: a handle that is forgotten is found by the garbage
 * collector. `removeListeners` does not.
 */
export function makeHandle(
  client: PgClient,
  methods: HandleMethods,
): { readonly client: PgClient; readonly removeListeners: () => void } {
  const traps = new HandleTraps({
    ...methods,
    query: (config, values, callback) =>
      typeof config === "string" && callback === undefined && typeof values !== "function"
        ? methods.query(config, values)
        : methods.query(...queryInOwnContext(config, values, callback)),
  });
  return {
    client: new Proxy(client, traps),
    removeListeners: () => traps.removeListeners(client),
  };
}

/** One object a handle, its closures made when somebody asks: most handles send one statement. */
class HandleTraps implements ProxyHandler<PgClient> {
  readonly #methods: HandleMethods;
  #listeners: (readonly [event: string | symbol, listener: Listener])[] | undefined;
  #manyListeners = MANY_LISTENERS;
  #bound: Map<unknown, unknown> | undefined;
  /** What the holder has put in their place: node-postgres' documentation does so, to log. */
  #replaced: Map<string | symbol, unknown> | undefined;

  constructor(methods: HandleMethods) {
    this.#methods = methods;
  }

  get(target: PgClient, key: string | symbol, handle: unknown): unknown {
    if (key === "query" || key === "release") {
      return this.#replaced?.has(key) ? this.#replaced.get(key) : this.#methods[key];
    }
    if (key === "end" && this.#methods.isReleased()) return endNothing;
    if (key === "removeAllListeners") return this.#removingOwn(target, handle);
    const value: unknown = Reflect.get(target, key, target);
    if (typeof value !== "function" || key === "constructor") return value;
    // pg's methods use private fields, which a proxy does not have; the same function each time.
    this.#bound ??= new Map();
    let bound = this.#bound.get(value);
    if (bound === undefined) {
      bound = this.#boundTo(key, target, value, handle);
      this.#bound.set(value, bound);
    }
    return bound;
  }

  // oxlint-disable-next-line typescript/no-unsafe-function-type -- a method of the connection.
  #boundTo(key: string | symbol, target: PgClient, method: Function, handle: unknown): unknown {
    if (ADDS_LISTENER.has(key)) return this.#adding(target, method, handle);
    if (REMOVES_LISTENER.has(key)) return this.#removing(target, method, handle);
    return method.bind(target);
  }

  set(target: PgClient, key: string | symbol, value: unknown): boolean {
    if (key === "query" || key === "release") {
      (this.#replaced ??= new Map()).set(key, value);
      return true;
    }
    return Reflect.set(target, key, value, target);
  }

  /** Its own: without pg's and the guard's the loss of the connection would end the process. */
  #removingOwn(target: PgClient, handle: unknown): (event?: string | symbol) => unknown {
    return (event) => {
      const isMeant = ([name]: readonly [string | symbol, Listener]): boolean =>
        event === undefined || name === event;
      for (const [name, listener] of this.#listeners?.filter(isMeant) ?? []) {
        target.removeListener(name, listener);
      }
      this.#listeners = this.#listeners?.filter((one) => !isMeant(one));
      return handle;
    };
  }

  removeListeners(client: PgClient): void {
    for (const [event, listener] of this.#listeners ?? []) client.removeListener(event, listener);
    this.#listeners = undefined;
  }

  // oxlint-disable-next-line typescript/no-unsafe-function-type -- a method of EventEmitter.
  #adding(target: PgClient, add: Function, handle: unknown): Listener {
    return (...values: unknown[]) => {
      const [event, listener] = values;
      // The connection is somebody else's by now, or nobody's.
      if (this.#methods.isReleased()) return handle;
      if (event === "error" && this.#methods.isDeaf) return handle;
      Reflect.apply(add, target, values);
      if (isEvent(event) && isListener(listener)) this.#remember(target, event, listener);
      return handle;
    };
  }

  // oxlint-disable-next-line typescript/no-unsafe-function-type -- a method of EventEmitter.
  #removing(target: PgClient, remove: Function, handle: unknown): Listener {
    return (...values: unknown[]) => {
      // Given back, it has none left: the same function may be another holder's.
      if (this.#methods.isReleased()) return handle;
      Reflect.apply(remove, target, values);
      const [event, listener] = values;
      const all = this.#listeners ?? [];
      const index = all.findIndex(([name, own]) => name === event && own === listener);
      if (index !== -1) all.splice(index, 1);
      return handle;
    };
  }

  #remember(target: PgClient, event: string | symbol, listener: Listener): void {
    const all = (this.#listeners ??= []);
    all.push([event, listener]);
    if (all.length < this.#manyListeners) return;
    const left = all.filter(([name, own]) => target.listeners(name).includes(own));
    this.#listeners = left;
    this.#manyListeners = Math.max(MANY_LISTENERS, 2 * left.length);
  }
}

function endNothing(callback?: () => void): Promise<void> | undefined {
  if (callback === undefined) return Promise.resolve();
  soon(callback);
  return undefined;
}

function isEvent(value: unknown): value is string | symbol {
  return typeof value === "string" || typeof value === "symbol";
}

function isListener(value: unknown): value is Listener {
  return typeof value === "function";
}
