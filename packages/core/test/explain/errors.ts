/** What node-postgres makes of an ErrorResponse; PostgreSQL fills in `routine`, poolers do not. */
export function answer(
  code: string,
  message: string,
  more: { severity?: string; routine?: string; detail?: string } = {},
): Error {
  return Object.assign(new Error(message), { name: "error", severity: "FATAL", code, ...more });
}

/** An error of PostgreSQL itself. */
export function fromServer(code: string, message: string, routine = "ProcessInterrupts"): Error {
  return answer(code, message, { severity: "ERROR", routine });
}

/** What node makes of a failed system call. */
export function fromNode(code: string, message = `connect ${code} 127.0.0.1:6432`): Error {
  return Object.assign(new Error(message), { code, errno: -111, syscall: "connect" });
}

/** What node makes of a system call on a connection that was open. */
export function onOpenConnection(code: string, syscall: "read" | "write" = "read"): Error {
  const message = `${syscall} ${code}`;
  return Object.assign(new Error(message), { code, errno: -113, syscall });
}

/** TypeORM's wrapper: it copies all but the name from the driver's error. */
export function typeorm(driverError: Error): Error {
  const text = String(driverError).replace(/^[Ee]rror: /u, "");
  return Object.assign(new Error(text), driverError, {
    name: "QueryFailedError",
    query: "select 1",
    parameters: [],
    driverError,
  });
}

/** What `@prisma/adapter-pg` keeps of a driver's error. */
export interface AdapterCause {
  readonly kind: string;
  readonly originalCode?: string;
  readonly originalMessage?: string;
  readonly severity?: string;
  readonly [key: string]: unknown;
}

/** Prisma 7's wrapper: the adapter's error in `meta`, its own text after the invocation. */
export function prisma(code: string, sentence: string, cause?: AdapterCause): Error {
  const adapterError = cause && {
    driverAdapterError: Object.assign(new Error(cause.kind, { cause }), {
      name: "DriverAdapterError",
    }),
  };
  return Object.assign(
    new Error(`\nInvalid \`prisma.invoice.count()\` invocation:\n\n\n${sentence}`),
    {
      name: "PrismaClientKnownRequestError",
      code,
      meta: adapterError ?? {},
      clientVersion: "7.10.0",
    },
  );
}

/** The answer of a server or pooler as Prisma 7 shows it for a raw query. */
export function prismaAnswer(
  code: string,
  message: string,
  severity = "FATAL",
  detail?: string,
): Error {
  return prisma("P2010", `Raw query failed. Code: \`${code}\`. Message: \`${message}\``, {
    kind: "postgres",
    originalCode: code,
    originalMessage: message,
    code,
    severity,
    message,
    detail,
  });
}
