/** The first row of what `client.query()` has answered; `undefined` where there is none. */
export function firstRow(answer: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof answer !== "object" || answer === null || !("rows" in answer)) return undefined;
  const { rows } = answer;
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined;
  return isRow(row) ? row : undefined;
}

function isRow(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
