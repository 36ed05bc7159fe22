import type { Matrix } from "./matrix.ts";

/**
 * What a committed matrix says otherwise than a run, one sentence each. Servers that the run could
 * not have are not compared; the run says so itself.
 */
export function differences(committed: Matrix, run: Matrix): string[] {
  const absent = new Set(
    run.servers.filter(({ skipped }) => skipped !== undefined).map(({ id }) => id),
  );
  if (absent.size === run.servers.length)
    return ["No server of the matrix could be had; nothing was compared."];
  const before = new Map(linesOf(committed, absent));
  const now = new Map(linesOf(run, absent));
  const found: string[] = [];
  for (const [key, value] of now) {
    const was = before.get(key);
    if (was !== value) found.push(`${key}: committed ${was ?? "nothing"}, now ${value}`);
  }
  for (const [key, value] of before) {
    if (!now.has(key)) found.push(`${key}: committed ${value}, now nothing`);
  }
  return found;
}

/** Everything a reader can see, as keys and values. */
function* linesOf(matrix: Matrix, absent: ReadonlySet<string>): Iterable<[string, string]> {
  for (const { id, title, version } of matrix.clients)
    yield [`client ${id}`, `${title} ${version}`];
  for (const { id, pgbouncer, postgres } of matrix.servers) {
    if (!absent.has(id)) yield [`server ${id}`, `PgBouncer ${pgbouncer}, PostgreSQL ${postgres}`];
  }
  for (const { feature, scenarios } of matrix.features) {
    for (const { id, title, cells } of scenarios) {
      yield [`scenario ${id}`, `${feature}: ${title}`];
      for (const [client, byServer] of Object.entries(cells)) {
        for (const [server, cell] of Object.entries(byServer)) {
          if (absent.has(server)) continue;
          yield [`${id}, ${client}, ${server}`, `${cell.without} without, ${cell.with} with`];
        }
      }
    }
  }
}
