import type { LogFile } from "./run/log.ts";

/** A server of the testbed, as its log is called. */
export type ServerName = "postgres" | "pooler";

/** A moment in both logs. */
export type LogMark = Readonly<Record<ServerName, number>>;

/** What the servers wrote; nothing for servers that only a URL is known of. */
export interface TestbedLogs {
  /** Now. */
  mark(): LogMark;
  /**
   * Everything written after a mark (default: since the start), by one server or by both under a
   * heading each. Show it when a test fails: the log of that test, not of the whole run.
   */
  since(mark?: LogMark, server?: ServerName): string;
}

/** Reads the given log files; a server without one has nothing to say. */
export function readLogs(files: Readonly<Partial<Record<ServerName, LogFile>>>): TestbedLogs {
  const names: readonly ServerName[] = ["postgres", "pooler"];
  const read = (name: ServerName, mark: LogMark | undefined): string =>
    files[name]?.read(mark?.[name] ?? 0) ?? "";
  return {
    mark: () => ({ postgres: files.postgres?.size() ?? 0, pooler: files.pooler?.size() ?? 0 }),
    since(mark, server) {
      if (server !== undefined) return read(server, mark);
      return names
        .filter((name) => files[name] !== undefined)
        .map((name) => `--- ${name} ---\n${read(name, mark)}`)
        .join("");
    },
  };
}
