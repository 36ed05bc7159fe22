import { startTestbed, type Testbed, type TestbedVersions } from "@doorpolicy/testbed";
import { type SlowWay, startSlowWay } from "./latency-proxy.ts";

/** How clients log in, and over what. */
export type Login = "trust" | "scram" | "tls";

/** Server connections of PgBouncer, and connections of a process, wherever a pool is measured. */
export const POOL_SIZE = 20;

/** Real servers, one pair for each kind of login, started when somebody first asks for it. */
export class Servers implements AsyncDisposable {
  readonly #allowDownload: boolean;
  readonly #started = new Map<Login, Promise<Testbed>>();
  readonly #slowWays = new Map<string, Promise<SlowWay>>();

  constructor({ allowDownload }: { readonly allowDownload: boolean }) {
    this.#allowDownload = allowDownload;
  }

  /** `"tls"` is SCRAM over TLS with a verified certificate. */
  async testbed(login: Login): Promise<Testbed> {
    const started = this.#started.get(login) ?? this.#start(login);
    this.#started.set(login, started);
    return started;
  }

  /** The pooler's URL by a way that takes so many milliseconds there and back. */
  async slowUrl(login: Login, roundTripMs: number): Promise<string> {
    const { urls } = await this.testbed(login);
    const key = `${login} ${roundTripMs}`;
    const way = this.#slowWays.get(key) ?? startSlowWay(urls.pooled, roundTripMs);
    this.#slowWays.set(key, way);
    return (await way).url(urls.pooled);
  }

  /** Of the servers that were started; empty when none was. */
  async versions(): Promise<Partial<TestbedVersions>> {
    const [first] = this.#started.values();
    return first === undefined ? {} : (await first).versions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What did not start was told to whoever asked for it, and has nothing to be stopped.
    for (const way of this.#slowWays.values()) {
      await (await way.catch(none))?.[Symbol.asyncDispose]();
    }
    for (const started of this.#started.values()) await (await started.catch(none))?.stop();
  }

  #start(login: Login): Promise<Testbed> {
    return startTestbed({
      allowDownload: this.#allowDownload,
      poolSize: POOL_SIZE,
      auth: login === "trust" ? "trust" : "scram",
      tls: login === "tls",
    });
  }
}

function none(): undefined {
  return undefined;
}
