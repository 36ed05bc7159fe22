import { TestbedError } from "../errors.ts";
import { wholeFrom } from "./check.ts";

/** Where the proxy connects to. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

const URL_PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)[^/?#]*([^]*)$/i;

/** Host and port of a URL; role and password are not kept. Throws `testbed/invalid-option`. */
export function targetFrom(target: string | ProxyTarget): ProxyTarget {
  if (typeof target === "object") {
    wholeFrom(1, "target.port", target.port, 65_535);
    if (target.host === "" || target.host.startsWith("/")) throw noHost("target");
    return { host: target.host, port: target.port };
  }
  if (!URL_PARTS.test(target)) throw noUrl("target");
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    throw noUrl("target");
  }
  const host = url.searchParams.get("host") ?? url.hostname.replace(/^\[|\]$/g, "");
  const port = url.searchParams.get("port") ?? url.port;
  return targetFrom({ host, port: port === "" ? 5432 : Number(port) });
}

/**
 * The URL with another host and port, in the query too, where drivers prefer them; every other
 * character stays as it is. Throws `testbed/invalid-option`; the URL stays out of it.
 */
export function withHost(url: string, { host, port }: ProxyTarget): string {
  const parts = URL_PARTS.exec(url);
  if (parts === null) throw noUrl("url");
  const rest = (parts[2] ?? "")
    .replaceAll(/([?&])(host|hostaddr)=[^&#]*/g, `$1$2=${host}`)
    .replaceAll(/([?&])port=[^&#]*/g, `$1port=${port}`);
  return `${parts[1]}${host}:${port}${rest}`;
}

function noUrl(option: string): TestbedError {
  return new TestbedError(
    "testbed/invalid-option",
    `\`${option}\` of the fault proxy is not a PostgreSQL URL.`,
    `Set \`${option}\` to postgres://user:password@host:port/database.`,
  );
}

function noHost(option: string): TestbedError {
  return new TestbedError(
    "testbed/invalid-option",
    `\`${option}\` of the fault proxy names no host that is reached over TCP.`,
    `Set \`${option}\` to a host and a port; a Unix socket cannot be one.`,
  );
}
