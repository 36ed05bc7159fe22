import tls from "node:tls";

type Value = string | number | boolean | null | undefined | Buffer | readonly Value[] | object;

/** The options of a TLS connection as they were at one moment. */
export interface TlsOptions {
  /** Copies of what was given: keys and certificates can be changed in place. */
  readonly given: ReadonlyMap<string, Value>;
  /** What the certificate is checked by, and what else holds where an option is missing. */
  readonly effective: ReadonlyMap<string, Value>;
  /** True when the server's certificate is verified, and its name by Node's own check. */
  readonly verifiesName: boolean;
}

/** What goes into a secure context, and is not asked for again at each connection. */
const OF_CONTEXT: ReadonlySet<string> = new Set([
  "ca",
  "cert",
  "ciphers",
  "crl",
  "dhparam",
  "ecdhCurve",
  "honorCipherOrder",
  "key",
  "maxVersion",
  "minVersion",
  "passphrase",
  "pfx",
  "secureOptions",
  "secureProtocol",
  "sessionIdContext",
  "sigalgs",
]);

/** A service that brings these has its own way of sharing. */
const OF_THE_SERVICE: ReadonlySet<string> = new Set(["secureContext", "session"]);

/**
 * Reads the `ssl` of a pg connection. `undefined` for options that are nothing but data, key by key:
 * those are left to pg as they are.
 */
export function readTlsOptions(ssl: unknown): TlsOptions | undefined {
  const given = new Map<string, Value>();
  if (ssl !== true) {
    if (typeof ssl !== "object" || ssl === null) return undefined;
    // pg hides `key` from enumeration, and passes it on by name.
    for (const name of new Set([...Object.keys(ssl), ...("key" in ssl ? ["key"] : [])])) {
      const value = OF_THE_SERVICE.has(name) ? undefined : copyOf(name, Reflect.get(ssl, name));
      if (value === undefined) return undefined;
      given.set(name, value.copy);
    }
  }
  const isVerified = given.has("rejectUnauthorized")
    ? given.get("rejectUnauthorized") !== false
    : process.env["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0";
  const check = given.has("checkServerIdentity")
    ? given.get("checkServerIdentity")
    : tls.checkServerIdentity;
  return {
    given,
    effective: new Map<string, Value>([
      ["isVerified", isVerified],
      ["check", check],
      ["defaults", defaultsOfNode()],
      ["trust", given.has("ca") ? undefined : defaultTrust()],
    ]),
    verifiesName: isVerified && check === tls.checkServerIdentity,
  };
}

/** The options for `tls.connect()` beside a secure context that was made of the others. */
export function optionsOfSocket({ given }: TlsOptions): object {
  return Object.fromEntries([...given].filter(([name]) => !OF_CONTEXT.has(name)));
}

/** The options for a secure context. */
export function optionsOfContext({ given }: TlsOptions): object {
  return Object.fromEntries([...given].filter(([name]) => OF_CONTEXT.has(name)));
}

/** True for options that make the same connection and check the same things. */
export function areSame(one: TlsOptions, other: TlsOptions): boolean {
  return isSameMap(one.given, other.given) && isSameMap(one.effective, other.effective);
}

function isSameMap(one: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>): boolean {
  if (one.size !== other.size) return false;
  for (const [name, value] of one) {
    if (!other.has(name) || !isSameValue(value, other.get(name))) return false;
  }
  return true;
}

function isSameValue(one: Value, other: Value): boolean {
  if (one === other) return true;
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
  return one.every((value: Value, index) => isSameValue(value, other[index]));
}

function copyOf(name: string, value: unknown): { readonly copy: Value } | undefined {
  if (typeof value === "function") {
    return name === "checkServerIdentity" ? { copy: checkOf(value) } : undefined;
  }
  if (typeof value !== "object" || value === null) {
    return typeof value === "symbol" || typeof value === "bigint"
      ? undefined
      : { copy: primitive(value) };
  }
  if (value instanceof Uint8Array) return { copy: Buffer.from(value) };
  if (!Array.isArray(value)) return undefined;
  const copies = value.map((each) => copyOf(name, each));
  const known = copies.flatMap((each) => (each === undefined ? [] : [each.copy]));
  return known.length === copies.length ? { copy: known } : undefined;
}

function primitive(value: unknown): Value {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    default:
      return value === null ? null : undefined;
  }
}

const noCheck = (): undefined => undefined;

/**
 * pg-connection-string makes an empty function for each URL that asks for the certificate without its
 * name (`verify-ca` in libpq's sense): all of them check the same, which is nothing.
 */
function checkOf(check: object): object {
  return /^function\s*\(\)\s*\{\s*\}$/.test(Function.prototype.toString.call(check))
    ? noCheck
    : check;
}

function defaultsOfNode(): readonly Value[] {
  return [
    tls.DEFAULT_MIN_VERSION,
    tls.DEFAULT_MAX_VERSION,
    tls.DEFAULT_CIPHERS,
    tls.DEFAULT_ECDH_CURVE,
  ];
}

/** Node 22.19 and 24.5 can exchange the CAs of a running process; the list is another object then. */
function defaultTrust(): Value {
  const set: unknown = Reflect.get(tls, "setDefaultCACertificates");
  const get: unknown = Reflect.get(tls, "getCACertificates");
  if (typeof set !== "function" || typeof get !== "function") return undefined;
  const list: unknown = Reflect.apply(get, tls, ["default"]);
  return typeof list === "object" && list !== null ? list : undefined;
}
