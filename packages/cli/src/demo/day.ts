const REQUEST_KINDS = ["write", "block", "throw", "swallow", "leak", "begin"] as const;

/**
 * What a request asks of the service.
 *
 * - `write`: one row, outside any block.
 * - `block`: two rows in one block.
 * - `throw`: a row in a block that then throws.
 * - `swallow`: a row in a block, then a statement that fails and whose error is caught.
 * - `leak`: a row in a block that nobody ends.
 * - `begin`: a bare `BEGIN`, sent as a statement.
 */
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** One request of the day; its label names the rows that it writes. */
export interface DayRequest {
  readonly label: string;
  readonly kind: RequestKind;
}

/**
 * The same bad day for every service: 40 requests, all of them open at the same time.
 *
 * The bodies arrive in three steps, since the order is what decides whose work is lost: first the
 * crowd, at once; then the bare `BEGIN`; then the stragglers, one after another, which a pool puts
 * into the transaction that `BEGIN` left open.
 */
export interface Day {
  readonly crowd: readonly DayRequest[];
  readonly begin: DayRequest;
  readonly stragglers: readonly DayRequest[];
}

/** The rows that a request writes, by their labels. */
export function rowsOf(request: DayRequest): readonly string[] {
  if (request.kind === "begin") return [];
  if (request.kind === "block") return [`${request.label}-a`, `${request.label}-b`];

  return [request.label];
}

/** True for the name of a {@link RequestKind}. */
export function isRequestKind(value: unknown): value is RequestKind {
  return REQUEST_KINDS.some((kind) => kind === value);
}

/** Every request of a day. */
export function requestsOf(day: Day): readonly DayRequest[] {
  return [...day.crowd, day.begin, ...day.stragglers];
}

/** The day of the demo. */
export const badDay: Day = {
  crowd: [
    ...several(12, "write"),
    ...several(14, "block"),
    ...several(4, "throw"),
    ...several(2, "swallow"),
    ...several(1, "leak"),
  ],
  begin: { label: "begin-1", kind: "begin" },
  stragglers: several(6, "write", "straggler"),
};

function several(count: number, kind: RequestKind, name: string = kind): DayRequest[] {
  return Array.from({ length: count }, (_, index) => ({ label: `${name}-${index + 1}`, kind }));
}
