import type { Policy } from "@doorpolicy/core";

import type { PgClient } from "../../src/driver/pg-internals.ts";
import { guardPg } from "../../src/guard-pg.ts";
import { openClient } from "../../src/login/open-client.ts";
import type { Pg } from "../world.ts";
import { guarded as guardedBy } from "./login-world.ts";

/** The same from the sources: `openClient` is not exported, and knows no client of the built package. */
export function guarded(module?: Pg, policy?: Policy): ReturnType<typeof guardedBy> {
  return guardedBy(module, policy, guardPg);
}

/** What became of a connection and of the statement that was given before it was there. */
export interface Outcome {
  readonly connection: unknown;
  readonly statement: unknown;
  readonly answers: number;
}

export type Config = string | ConstructorParameters<Pg["Client"]>[0];

/** Opens a connection for one statement, and closes it. */
export async function ask(
  pg: Pick<Pg, "Client">,
  config: Config,
  text: string,
  values?: unknown,
): Promise<Outcome> {
  let answers = 0;
  let opening: Promise<PgClient> | undefined;
  const statement = await new Promise((resolve) => {
    const callback = (error: unknown, result?: unknown): void => {
      answers += 1;
      resolve(error ?? Reflect.get(Object(result), "rows"));
    };
    const first = { config: text, values, callback };
    opening = openClient(() => clientOf(pg, config), { first });
    opening.catch(() => undefined);
  });
  const connection = await opening?.catch((error: unknown) => error);
  if (connection instanceof Error) return { connection, statement, answers };
  await (await opening)?.end();
  return { connection: "open", statement, answers };
}

/** A client of a guarded pg, as a pool sees it. */
export function clientOf(pg: Pick<Pg, "Client">, config: Config): PgClient {
  const client: object = new pg.Client(config);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guard's own view of a client.
  return client as PgClient;
}
