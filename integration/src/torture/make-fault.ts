import type { Dice } from "./dice.ts";
import type { Fault, Plan } from "./plan.ts";

type Point = Pick<Fault, "direction" | "message" | "about">;

/** Messages at which a connection is lost, most of them where it matters: around COMMIT. */
const POINTS: readonly [Point, ...Point[]] = [
  { direction: "client", message: "Startup" },
  { direction: "server", message: "AuthenticationOk" },
  { direction: "client", message: "Query", about: "begin" },
  { direction: "client", message: "Parse", about: "begin" },
  { direction: "client", message: "Parse", about: "insert" },
  { direction: "client", message: "Sync" },
  { direction: "client", message: "Query", about: "commit" },
  { direction: "client", message: "Parse", about: "commit" },
  { direction: "client", message: "Query" },
  { direction: "client", message: "Bind" },
  { direction: "server", message: "ParseComplete" },
  { direction: "server", message: "DataRow" },
  { direction: "server", message: "CommandComplete", about: "begin" },
  { direction: "server", message: "CommandComplete", about: "insert" },
  { direction: "server", message: "CommandComplete", about: "commit" },
  { direction: "server", message: "CommandComplete", about: "commit" },
  { direction: "server", message: "CommandComplete" },
  { direction: "server", message: "ReadyForQuery" },
  { direction: "server", message: "ReadyForQuery" },
  { direction: "server", message: "BindComplete" },
];

/** What the network does to a unit. */
export function makeFault(dice: Dice, root: Plan["root"]): Fault {
  const point = dice.pick(POINTS);
  const isAtCommit = point.about === "commit" || point.about === "begin";
  const nth = isAtCommit ? dice.between(1, 2) : dice.percent(60) ? 1 : dice.between(2, 5);
  const action = dice.oneOf<Fault["action"]>([
    [50, () => ({ kind: "cut", with: dice.pick(["fin", "rst"] as const) })],
    [15, () => ({ kind: "truncate", bytes: dice.between(1, 6) })],
    [12, () => ({ kind: "blackHole", cutAfterMs: dice.between(50, 400) })],
    // Only a transaction has a limit of its own to end it; a statement outside would wait for ever.
    [root === "transaction" ? 1 : 0, () => ({ kind: "blackHole" })],
    [20, () => ({ kind: "delay", ms: dice.between(5, 60) })],
  ]);
  return { ...point, nth, action };
}
