import { PolicyError } from "../errors.ts";
import { decodeText, splitUrl, type UrlParameter, parametersOf } from "./parameters.ts";

/** What a connection URL says, without its secrets. */
export interface ConnectionUrl {
  readonly scheme: "postgres" | "postgresql";
  /** In the order of the text; a name may occur more than once, and clients take the last. */
  readonly parameters: readonly UrlParameter[];
  /** Where a `host` parameter stands, that one: it wins in libpq, pg and Prisma. */
  readonly host?: string;
  readonly port?: string;
  readonly database?: string;
  readonly hasUser: boolean;
}

/**
 * Reads a connection URL as text. WHATWG `URL` is not used: it refuses URLs that every driver
 * takes (`postgres://u:p@/db?host=/run`), and rewrites the ones that it takes.
 *
 * @throws PolicyError `url/unsupported`, which never holds the URL.
 */
export function readConnectionUrl(text: string): ConnectionUrl {
  const { scheme, authority, path, query, fragment } = splitUrl(text);
  const parameters = parametersOf(query ?? "");
  const at = authority.lastIndexOf("@");
  if (![authority, path].every(isText)) throw undecodable();
  const server = authority.slice(at + 1);
  const { host, port } = readServer(server, at >= 0);

  if (
    at < 0 &&
    [path, parameters[0]?.name ?? "", fragment ?? ""].some((part) => part.includes("@"))
  ) {
    throw unencoded();
  }
  const last = (name: string): string | undefined =>
    given(parameters.findLast((parameter) => parameter.name === name)?.value);
  const effectiveHost = last("host") ?? given(host);
  const effectivePort = last("port") ?? given(port);
  const database = given(decodeText(path.slice(1)));
  return {
    scheme: scheme.toLowerCase() === "postgres" ? "postgres" : "postgresql",
    parameters,
    ...(effectiveHost === undefined ? {} : { host: effectiveHost }),
    ...(effectivePort === undefined ? {} : { port: effectivePort }),
    ...(database === undefined ? {} : { database }),
    hasUser: at > 0 || last("user") !== undefined,
  };
}

/** `host:port`, `[::1]:port`, or a list of them, which libpq takes. */
function readServer(server: string, hasUser: boolean): { host: string; port: string } {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const one of server.split(",")) {
    const match = /^(?:\[(?<ip>[^[\]]*)\]|(?<name>[^:[\]]*))(?::(?<port>.*))?$/u.exec(one)?.groups;
    const port = match?.["port"] ?? "";
    if (match === undefined || !/^\d{0,5}$/u.test(port) || Number(port) > 65_535) {
      throw hasUser
        ? new PolicyError("url/unsupported", "The connection URL has no valid host and port.", {
            hint: "Write it as `postgresql://user:password@host:5432/database`.",
          })
        : unencoded();
    }
    hosts.push(decodeText(match["ip"] ?? match["name"] ?? ""));
    ports.push(port);
  }
  return { host: hosts.join(","), port: ports.every((port) => port === "") ? "" : ports.join(",") };
}

/**
 * Whether what is encoded is UTF-8: pg ends with a bare `URIError` at `%ff` in a user name, password, host or
 * database. A `%` that begins no encoded byte it takes as it is.
 */
function isText(piece: string): boolean {
  if (!piece.includes("%")) return true;
  try {
    decodeURIComponent(piece.replaceAll(/%(?![\da-f]{2})/giu, "%25"));
    return true;
  } catch {
    return false;
  }
}

function undecodable(): PolicyError {
  return new PolicyError(
    "url/unsupported",
    "The connection URL cannot be read: its user name, password or database holds an encoded byte that is no character of UTF-8.",
    {
      hint: "Encode each character as UTF-8 (`ÿ` is `%C3%BF`), and a `%` that stands for itself as `%25`.",
    },
  );
}

function unencoded(): PolicyError {
  return new PolicyError(
    "url/unsupported",
    "The connection URL cannot be read: its user name or password seems to hold `/`, `?` or `#` as they are.",
    { hint: "Encode them as `%2F`, `%3F` and `%23`." },
  );
}

function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
