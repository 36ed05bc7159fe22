import { unitOfWork } from "@doorpolicy/pg";
import { ourPool, STATEMENT } from "../clients/pools.ts";
import { pause } from "../load/pause.ts";
import { type Experiment, value, type Variant, type World } from "../method/experiment.ts";
import { openPoolerView } from "../servers/clients-seen.ts";
import type { Login } from "../servers/servers.ts";

/** How long after the last unit nobody may be connected any more. */
const AFTER_MS = 50;
const UNITS = 50;

const afterUnits =
  (login: Login) =>
  async ({ servers }: World): Promise<Variant> => {
    const bed = await servers.testbed(login);
    const pool = ourPool(bed.urls.pooled);
    const view = await openPoolerView(bed);
    const unit = (): Promise<unknown> =>
      unitOfWork(async () => {
        for (let i = 0; i < 3; i++) await pool.query(STATEMENT);
      });
    return {
      async run() {
        await Promise.all(Array.from({ length: UNITS }, unit));
        await pause(AFTER_MS);
        return { clients: await view.clients() };
      },
      async [Symbol.asyncDispose]() {
        await pool.end();
        await view[Symbol.asyncDispose]();
      },
    };
  };

const idleAfter = (name: string, login: Login, title: string): Experiment => ({
  rounds: { full: 41, quick: 5 },
  figures: [
    value(
      {
        name,
        what: `client connections that PgBouncer has ${AFTER_MS} ms after the last of ${UNITS} units, ${title}`,
        goal: { atMost: 0, always: true },
        unit: "connections",
      },
      { variant: "ours", metric: "clients" },
    ),
  ],
  variants: { ours: afterUnits(login) },
});

/** What is left open when nobody works. */
export const idle: readonly Experiment[] = [
  idleAfter("idle.after50ms", "scram", "SCRAM"),
  idleAfter("idle.after50ms.tls", "tls", "SCRAM + TLS"),
];
