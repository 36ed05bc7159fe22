import { allowing, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { rejection } from "../world.ts";
import { clear, type Stage, startStage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => clear(stage));

const RULE = "session-state/no-listen";
const ALLOWED = "unlisten nothing_a";
const NOT_ALLOWED = "unlisten nothing_b";
const SETTINGS = { setLocal: { "app.tenant": "7" } };

describe("on one connection of a unit with settings, allowing()", () => {
  test.each([
    ["before", true],
    ["behind", false],
  ])("allows nothing to a statement that waits when it stands %s it", async (_, isFirst) => {
    await using own = stage.actor();

    const [allowed, other] = await unitOfWork(SETTINGS, async () => {
      const client = await own.pool.connect();
      const allow = (): Promise<unknown> =>
        allowing(RULE, "a cleaner", () => client.query(ALLOWED).then(() => "sent", String));
      const send = (): Promise<unknown> => rejection(client.query(NOT_ALLOWED));
      const first = isFirst ? allow() : send();
      const second = isFirst ? send() : allow();
      const answers = await Promise.all([first, second]);
      client.release();
      return isFirst ? answers : answers.toReversed();
    });

    expect(allowed).toBe("sent");
    expect(other).toMatchObject({ code: RULE });
    expect(stage.sent().filter((batch) => batch.includes("nothing"))).toEqual([
      expect.stringContaining(ALLOWED),
    ]);
    expect(own.seen.map(({ action }) => action).toSorted()).toEqual(["allowed", "refused"]);
  });
});
