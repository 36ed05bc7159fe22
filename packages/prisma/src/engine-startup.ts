import { type ConnectionUrl, type LaneInUse, PolicyError } from "@doorpolicy/core";
import { acceptsStartup, actsOn } from "@doorpolicy/pg";

const RULE = "startup/no-unsupported-parameters";

/**
 * Refuses the URL parameters that Prisma's native engine puts into the startup packet and that the
 * pooler does not take. There is no guarded driver there that could send a limit with BEGIN.
 *
 * `schema` becomes `search_path`: a startup parameter, or with `pgbouncer=true` a `SET` that stays on
 * the server connection for other clients (from source, `quaint`).
 */
export function refuseStartup(
  { parameters }: ConnectionUrl,
  lane: LaneInUse,
  origin: string,
): void {
  const options = parameters.findLast(({ name }) => name === "options");
  if (
    options !== undefined &&
    options.value.trim() !== "" &&
    !lane.has("applies-any-startup-parameter")
  ) {
    refuse(
      lane,
      `${origin}?options`,
      "`options` goes out in the startup packet, and the pooler refuses the connection or drops what it does not follow.",
      "Set each of its parameters with `ALTER ROLE … SET`, or use the direct lane.",
    );
  }
  const schema = parameters.findLast(({ name }) => name === "schema")?.value;
  if (schema === undefined || schema === "" || lane.has("session-state")) return;
  if (acceptsStartup(lane, "search_path")) return;
  refuse(
    lane,
    `${origin}?schema`,
    "`schema` becomes a `search_path` that the pooler refuses at startup, or that stays on the server connection for other clients.",
    "Name the schema in the Prisma schema (`schemas`, `@@schema`), set it with `ALTER ROLE … SET search_path`, or use the direct lane.",
  );
}

function refuse(lane: LaneInUse, path: string, message: string, hint: string): void {
  if (actsOn(lane, RULE, path)) throw new PolicyError("startup/refused", message, { path, hint });
}
