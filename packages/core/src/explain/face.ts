/** What one error of a chain shows of itself. Read from it once, never written. */
export interface Face {
  /** How many wrappers stand around it. */
  readonly depth: number;
  /** SQLSTATE, node's `code`, Prisma's, or the kind that Prisma's adapter puts in their place. */
  readonly code?: string;
  readonly text: string;
  /** `error.name`. */
  readonly name?: string;
  readonly severity?: string;
  readonly detail?: string;
  /** PostgreSQL always names the function that raised an error; poolers do not. */
  readonly routine?: string;
}

/** More than any ORM wraps; a chain that is longer, or turns back on itself, is cut here. */
const MAX_LINKS = 32;

/** Of longer texts no more is looked at; Prisma's engines quote whole invocations before their reason. */
const MAX_TEXT = 8_192;

/** One error of a chain, and how many wrappers stand around it. */
export interface Link {
  readonly value: object;
  readonly depth: number;
  /** What it wraps itself; several where it stands for several errors. */
  readonly inner: readonly Link[];
}

interface GrowingLink extends Link {
  readonly inner: GrowingLink[];
}

/**
 * The error and everything that it wraps, outermost first: `cause`, TypeORM's `driverError`, the
 * members of an `AggregateError` (node tries every address of a host) and Prisma's
 * `meta.driverAdapterError`. Nothing is called and nothing thrown, whatever the error is made of.
 */
export function chainOf(error: unknown): readonly Link[] {
  const links = new Map<unknown, GrowingLink>();
  const queue: { readonly value: unknown; readonly around?: GrowingLink }[] = [{ value: error }];
  for (let next = queue.shift(); next && links.size < MAX_LINKS; next = queue.shift()) {
    const { value, around } = next;
    const known = links.get(value);
    if (known !== undefined) around?.inner.push(known);
    if (known !== undefined || !isReadable(value)) continue;
    const link = { value, depth: around === undefined ? 0 : around.depth + 1, inner: [] };
    links.set(value, link);
    around?.inner.push(link);
    for (const inner of wrappedBy(value)) queue.push({ value: inner, around: link });
  }
  return [...links.values()];
}

/** The error itself and everything that it wraps, however deep. */
export function within(link: Link): ReadonlySet<Link> {
  // A set goes on to what is added while it is walked.
  const found = new Set([link]);
  for (const { inner } of found) for (const next of inner) found.add(next);
  return found;
}

function wrappedBy(value: object): unknown[] {
  const errors = read(value, "errors");
  const meta = read(value, "meta");
  return [
    read(value, "driverError"),
    isReadable(meta) ? read(meta, "driverAdapterError") : undefined,
    read(value, "cause"),
    ...(isReadable(errors) && Array.isArray(errors) ? membersOf(errors) : []),
  ];
}

function membersOf(errors: object): unknown[] {
  const length = read(errors, "length");
  const count = typeof length === "number" ? Math.min(length, MAX_LINKS) : 0;
  return Array.from({ length: count }, (_, index) => read(errors, String(index)));
}

/** What one error shows of itself; with the engines of Prisma up to 6 also what they print into their text. */
export function facesOf({ value, depth }: Link): readonly Face[] {
  const name = textAt(value, "name");
  const code = textAt(value, "code") ?? textAt(value, "errorCode");
  const text = textAt(value, "message") ?? "";
  const kind = textAt(value, "kind");
  if (kind !== undefined && name === undefined) return [adapterFace(value, kind, depth)];
  const isPrisma = name?.startsWith("PrismaClient") ?? false;
  const own = faceOf({
    depth,
    code,
    // Prisma puts the invocation first; its own sentence is the last line.
    text: isPrisma && code !== undefined ? lastLineOf(text) : text,
    name,
    severity: textAt(value, "severity"),
    detail: textAt(value, "detail"),
    routine: textAt(value, "routine"),
  });
  const inside = isPrisma ? engineFace(value, text.slice(-MAX_TEXT), depth + 1) : undefined;
  return inside === undefined ? [own] : [own, inside];
}

function lastLineOf(text: string): string {
  const end = text.slice(-MAX_TEXT).trimEnd();
  return end.slice(end.lastIndexOf("\n") + 1);
}

/**
 * What `@prisma/adapter-pg` makes of a driver's error: SQLSTATE and text under other names, and for
 * faults of the network its own words instead of node's `code`, which are turned back here.
 */
function adapterFace(value: object, kind: string, depth: number): Face {
  return faceOf({
    depth,
    code: textAt(value, "originalCode") ?? textAt(value, "code") ?? nodeCode(value, kind),
    text:
      textAt(value, "originalMessage") ?? textAt(value, "reason") ?? textAt(value, "message") ?? "",
    severity: textAt(value, "severity"),
    detail: textAt(value, "detail"),
  });
}

function nodeCode(value: object, kind: string): string {
  if (kind === "ConnectionClosed") return "ECONNRESET";
  if (kind === "SocketTimeout") return "ETIMEDOUT";
  if (kind !== "DatabaseNotReachable") return kind;
  // The adapter merges them: a refused connection has a port (or a socket's path), a lookup has a host only, and
  // a connection that was open when the system gave it up has neither.
  const host = textAt(value, "host");
  if (read(value, "port") !== undefined || host?.startsWith("/")) return "ECONNREFUSED";
  return host === undefined ? "ETIMEDOUT" : "ENOTFOUND";
}

const ENGINE_QUERY =
  /PostgresError \{ code: "(\w{5})", message: "((?:[^"\\]|\\.)*)", severity: "(\w+)", detail: [^\n]*\}\), transient: (?:true|false) \}\)\s*$/;
const ENGINE_CONNECT =
  /(?:^|\n)Error querying the database: (?:db error: )?(FATAL|ERROR): ([^\n]+)\s*$/;

/** Prisma's engines up to 6 hold the server's answer in `meta` or print it at the end of their text. */
function engineFace(value: object, text: string, depth: number): Face | undefined {
  const meta = read(value, "meta");
  const code = isReadable(meta) ? textAt(meta, "code") : undefined;
  const message = isReadable(meta) ? textAt(meta, "message") : undefined;
  if (code !== undefined && message !== undefined) {
    const [, severity, rest] =
      /^(?:db error: )?(?:(FATAL|ERROR|PANIC): )?([^]*)$/.exec(message) ?? [];
    return faceOf({ depth, code, text: rest ?? message, severity });
  }
  const query = ENGINE_QUERY.exec(text);
  if (query) {
    return faceOf({ depth, code: query[1], text: unquoted(query[2] ?? ""), severity: query[3] });
  }
  if (textAt(value, "name") !== "PrismaClientInitializationError") return undefined;
  const connect = ENGINE_CONNECT.exec(text);
  return connect ? faceOf({ depth, text: connect[2] ?? "", severity: connect[1] }) : undefined;
}

function unquoted(text: string): string {
  return text.replaceAll(/\\(["\\])/g, "$1");
}

type Draft = Pick<Face, "depth" | "text"> & {
  readonly [Key in keyof Face]?: Face[Key] | undefined;
};

function faceOf({ depth, text, code, name, severity, detail, routine }: Draft): Face {
  return {
    depth,
    text: text.slice(0, MAX_TEXT),
    ...(code !== undefined && { code }),
    ...(name !== undefined && { name }),
    ...(severity !== undefined && { severity }),
    ...(detail !== undefined && { detail: detail.slice(0, MAX_TEXT) }),
    ...(routine !== undefined && { routine }),
  };
}

/** A revoked proxy throws whatever is asked of it; it is passed over. */
function isReadable(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  try {
    return Reflect.getPrototypeOf(value) !== undefined;
  } catch {
    return false;
  }
}

/** A text under a key of an error; `undefined` for anything else, and where its getter throws. */
export function textAt(value: object, key: string): string | undefined {
  const found = read(value, key);
  return typeof found === "string" ? found : undefined;
}

/** Getters of foreign errors may throw; an explanation must not. */
function read(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
