/** `application_name` of the suite's own connection to Postgres, which asks and is never counted. */
export const OBSERVER = "observer";

/** A statement as Postgres logged it when it arrived. */
export interface LoggedStatement {
  /** `application_name` of the session at that moment. */
  readonly applicationName: string;
  readonly text: string;
}

/** Lines such as `name|pid|LOG:  statement: BEGIN` and `name|pid|LOG:  execute <unnamed>: insert …`. */
const LOGGED =
  /^(?<name>[^|\n]*)\|\d+\|LOG: {2}(?:statement|execute [^:]*): (?<text>.*(?:\n\t.*)*)/gm;

/** PgBouncer's own: tracked parameters when a server connection changes hands, a reset after a session. */
const POOLERS_OWN =
  /^(?:SET (?:application_name|client_encoding|datestyle|timezone)=|DISCARD ALL$)/i;

/** Statements in Postgres' log, without the observer's and the pooler's own, oldest first. */
export function statementsIn(log: string): readonly LoggedStatement[] {
  const found: LoggedStatement[] = [];
  for (const { groups } of log.matchAll(LOGGED)) {
    const { name, text } = groups ?? {};
    if (name === undefined || text === undefined) continue;
    if (name !== OBSERVER && !POOLERS_OWN.test(text)) found.push({ applicationName: name, text });
  }
  return found;
}

/** Of a client; or the pooler's own when it starts: one that was stopped has not named all whom it left. */
const CLIENT_LINE =
  /(?<id>C-0x\w+): app\w*\/app@\S+ (?<what>login attempt|closing because)|(?<start>process up:)/g;

/**
 * The most clients of the suite's database that PgBouncer has had connected at one time during a log, and
 * before it those of another: one that stayed open for a moment is used again.
 */
export function mostConnectedIn(log: string, before: string = ""): number {
  const connected = new Set<string>();
  follow(before, connected);
  return follow(log, connected);
}

function follow(log: string, connected: Set<string>): number {
  let most = connected.size;
  for (const { groups } of log.matchAll(CLIENT_LINE)) {
    const { id = "", what, start } = groups ?? {};
    if (start !== undefined) connected.clear();
    else if (what === "login attempt") connected.add(id);
    else connected.delete(id);
    most = Math.max(most, connected.size);
  }
  return most;
}
