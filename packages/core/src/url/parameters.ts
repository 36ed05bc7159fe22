import { PolicyError } from "../errors.ts";

/** One `name=value` of a URL's query, decoded. */
export interface UrlParameter {
  readonly name: string;
  /** `[hidden]` for the parameters that hold a secret. */
  readonly value: string;
}

/** The pieces of a URL; joined again they are the same text. */
export interface UrlPieces {
  readonly scheme: string;
  readonly authority: string;
  /** With its leading slash, or empty. */
  readonly path: string;
  /** Without its question mark; `undefined` when there is none. */
  readonly query: string | undefined;
  /** Without its number sign; `undefined` when there is none. */
  readonly fragment: string | undefined;
}

const SECRET_PARAMETERS = new Set(["password", "sslpassword"]);

/**
 * Cuts a URL at its first `#`, then at its first `?`, as pg-connection-string and libpq do.
 *
 * @throws PolicyError `url/unsupported`, which never holds the URL.
 */
export function splitUrl(text: string): UrlPieces {
  const match = /^(?<scheme>postgres(?:ql)?):\/\/(?<rest>.*)$/isu.exec(text)?.groups;
  if (match === undefined) throw refusalOf(text);
  if (/\p{Cc}/u.test(text)) {
    throw new PolicyError("url/unsupported", "The connection URL holds a control character.", {
      hint: "Remove line breaks and other invisible characters from it, or encode them.",
    });
  }
  const [beforeFragment, fragment] = cut(match["rest"] ?? "", "#");
  const [beforeQuery, query] = cut(beforeFragment, "?");
  const slash = beforeQuery.indexOf("/");
  return {
    scheme: match["scheme"] ?? "",
    authority: slash < 0 ? beforeQuery : beforeQuery.slice(0, slash),
    path: slash < 0 ? "" : beforeQuery.slice(slash),
    query,
    fragment,
  };
}

/** The parameters of a query, in order. `+` is a blank, as in pg and in Prisma's engines (not in libpq). */
export function parametersOf(query: string): readonly UrlParameter[] {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name, value = ""] = cut(pair, "=");
      const decoded = decodeText(name, true);
      return {
        name: decoded,
        value: SECRET_PARAMETERS.has(decoded) ? "[hidden]" : decodeText(value, true),
      };
    });
}

/**
 * Names of parameters that stand more than once in a connection URL, with different values; clients take the
 * last. Values that are hidden elsewhere are compared, too.
 *
 * @throws PolicyError `url/unsupported` when it is not a connection URL.
 */
export function conflictingParameters(url: string): readonly string[] {
  const values = new Map<string, string>();
  const found = new Set<string>();
  for (const pair of (splitUrl(url).query ?? "").split("&")) {
    if (pair === "") continue;
    const name = nameOf(pair);
    const value = decodeText(cut(pair, "=")[1] ?? "", true);
    if ((values.get(name) ?? value) !== value) found.add(name);
    values.set(name, value);
  }
  return [...found];
}

/**
 * Removes parameters from a connection URL and leaves every other character as it is.
 *
 * @throws PolicyError `url/unsupported` when it is not a connection URL.
 */
export function withoutParameters(url: string, names: readonly string[]): string {
  const pieces = splitUrl(url);
  if (pieces.query === undefined) return url;
  const kept = pieces.query.split("&").filter((pair) => !names.includes(nameOf(pair)));
  return joinUrl({ ...pieces, query: kept.length === 0 ? undefined : kept.join("&") });
}

/**
 * Sets a parameter of a connection URL: former values go, the new one comes last, and every other
 * character stays as it is. Doing it twice is doing it once.
 *
 * `:` and `/` stay as they are and `@` becomes `%40`: pg-connection-string re-encodes a whole URL
 * that has a stray `%` elsewhere and then leaves `%3A` in the name; libpq looks for `@` in front of the host.
 *
 * @throws PolicyError `url/unsupported` when it is not a connection URL.
 */
export function withParameter(url: string, name: string, value: string): string {
  const pieces = splitUrl(withoutParameters(url, [name]));
  const pair = `${encodeText(name)}=${encodeText(value)}`;
  const query =
    pieces.query === undefined || pieces.query === "" ? pair : `${pieces.query}&${pair}`;
  return joinUrl({ ...pieces, query });
}

/** Decodes what is encoded and leaves a stray `%` alone. */
export function decodeText(text: string, plusIsBlank = false): string {
  const blanks = plusIsBlank ? text.replaceAll("+", " ") : text;
  try {
    return decodeURIComponent(blanks);
  } catch {
    return blanks;
  }
}

function encodeText(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%2F", "/");
}

function nameOf(pair: string): string {
  return decodeText(cut(pair, "=")[0], true);
}

function joinUrl({ scheme, authority, path, query, fragment }: UrlPieces): string {
  return (
    `${scheme}://${authority}${path}` +
    (query === undefined ? "" : `?${query}`) +
    (fragment === undefined ? "" : `#${fragment}`)
  );
}

function cut(text: string, mark: string): readonly [string, string | undefined] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

/** Says what kind of text was given. Drivers take most of these for a host named `base`, without an error. */
function refusalOf(text: string): PolicyError {
  const hint = "Set it to a text such as `postgresql://user:password@host:5432/database`.";
  const refuse = (what: string): PolicyError => new PolicyError("url/unsupported", what, { hint });

  if (text.trim() === "") return refuse("The connection URL is empty.");
  if (/^\s/u.test(text)) return refuse("The connection URL begins with a blank.");
  if (/^["'`]/u.test(text)) return refuse("The connection URL stands in quotation marks.");
  if (/^postgres(ql)?:/iu.test(text))
    return refuse("The connection URL has no `//` after its scheme.");
  // Only what stands before `://` is a scheme for sure; `name:password@host` begins alike.
  const scheme = /^([a-z][a-z0-9+.-]{0,30}):\/\//iu.exec(text)?.[1];
  if (scheme === undefined) {
    return refuse(
      /^\s*\w+\s*=/u.test(text)
        ? "The connection URL is a list of `key=value` words, which Node drivers take for a host name."
        : "The connection URL has no scheme.",
    );
  }
  if (/^prisma(\+postgres)?$/iu.test(scheme)) {
    return refuse(`A URL of the scheme \`${scheme}:\` is no direct connection to a database.`);
  }
  return refuse(
    `The connection URL is of the scheme \`${scheme}:\`, and only \`postgresql:\` and \`postgres:\` are known here.`,
  );
}
