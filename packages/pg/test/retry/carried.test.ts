import { inspect } from "node:util";

import { explainError, PolicyError } from "@doorpolicy/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { carryExplanation } from "../../src/carried-explanation.ts";
import { PG_VERSIONS, rejection, requirePg, startWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const kill = (pid: unknown): Promise<unknown> =>
  world.bed.sql(`select pg_terminate_backend(${Number(pid)}, 5000)`);

describe.each(PG_VERSIONS)("an error of a guarded connection of %s", (version) => {
  test("says what it means, and stays the driver's own", async () => {
    const { pg } = world.guard({}, requirePg(version));
    const client = new pg.Client({ connectionString: world.bed.urls.direct });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("begin");
    const { rows } = await client.query("select pg_backend_pid() as pid");

    const dividing = await rejection(client.query("select 1 / 0"));
    const aborted = await rejection(client.query("select 1"));
    await kill(rows[0].pid);
    const late = await rejection(client.query("select 1"));

    expect(dividing).toMatchObject({ code: "22012", explanation: undefined });
    expect("explanation" in Object(dividing)).toBe(true);
    expect(aborted).toMatchObject({
      name: "error",
      code: "25P02",
      explanation: { kind: "server.transaction-aborted" },
    });
    expect(late).toMatchObject({ explanation: { kind: "server.terminated" } });
    await client.end();
  });

  test("says it of a connection that was never made", async () => {
    const { pg } = world.guard({}, requirePg(version));
    const url = new URL(world.bed.urls.pooled);
    url.pathname = "/nowhere";
    const nowhere = new pg.Client({ connectionString: url.href });
    url.port = "1";
    const closed = new pg.Client({ connectionString: url.href });

    const errors = [await rejection(nowhere.connect()), await rejection(closed.connect())];

    expect(errors).toMatchObject([
      { explanation: { kind: "server.unknown-database" } },
      { code: "ECONNREFUSED", explanation: { kind: "network.refused" } },
    ]);
  });
});

describe("what an error carries", () => {
  const error = new Error("Connection terminated unexpectedly");
  carryExplanation(error);

  test("is the same as explainError() says of it, each time", () => {
    expect(error).toMatchObject({ explanation: explainError(error) });
  });

  test("is neither copied nor printed with it", () => {
    expect(Object.keys(error)).toEqual([]);
    expect(Object.assign({}, error)).toEqual({});
    expect(inspect(error)).not.toContain("explanation");
  });

  test("is the explanation of an error of ours as well", () => {
    const own = new PolicyError("unit/draining", "It ends.", { hint: "Wait." });

    expect(own.explanation).toEqual(explainError(own));
    expect(Object.keys(own)).not.toContain("explanation");
    expect(JSON.stringify(own)).not.toContain("explanation");
  });

  test("is left as it is where an error has its own, or can take none", () => {
    const taken = Object.assign(new Error("x"), { explanation: "somebody's" });
    const frozen = Object.freeze(new Error("y"));

    for (const one of [taken, frozen, undefined, "text"]) carryExplanation(one);

    expect(taken.explanation).toBe("somebody's");
    expect(frozen).not.toHaveProperty("explanation");
  });
});
