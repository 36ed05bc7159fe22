import { Socket } from "node:net";
import { inspect } from "node:util";

import type { Policy } from "@doorpolicy/core";
import { allowing, guardPg } from "@doorpolicy/pg";
import pg from "pg";
import { describe, expect, test } from "vitest";

import { attempt } from "./attempt.ts";
import { policyOf } from "./policies.ts";

/** A socket that asks no resolver and reaches nobody. */
function brokenSocket(): Socket {
  const socket = new Socket();
  socket.connect = () => socket.destroy(new Error("no network here"));
  return socket;
}

function guarded(policy: Policy = {}): { client: typeof pg.Client; seen: string[] } {
  const seen: string[] = [];
  const onViolation: Policy["onViolation"] = ({ rule, action }) => seen.push(`${rule} ${action}`);
  return { client: guardPg(pg, policyOf({ ...policy, onViolation })).Client, seen };
}

describe("a client of one's own", () => {
  test("that contradicts itself is refused before a socket is opened", async () => {
    const { client: Client } = guarded();
    // Nobody listens there: a socket would fail with ECONNREFUSED.
    const client = new Client({
      connectionString: "postgresql://u:hunter2@127.0.0.1:1/db",
      port: 2,
    });

    const error = await client.connect().then(
      () => undefined,
      (refusal: unknown) => refusal,
    );

    expect(error).toMatchObject({ code: "options/refused", path: "port" });
    expect(inspect(error)).not.toContain("hunter2");
  });

  test.each([
    ["inside, then outside", [true, false]],
    ["outside, then inside", [false, true]],
  ])("is let through for whom `allowing()` holds, %s", async (_, order) => {
    const { client: Client } = guarded();
    const config = { connectionString: "postgresql://u@127.0.0.1:1/db", port: 2 };
    const connect = (): Promise<unknown> =>
      new Client(config).connect().then(
        () => undefined,
        (reason: unknown) => reason,
      );

    const errors: unknown[] = [];
    for (const isAllowed of order) {
      errors.push(
        await (isAllowed
          ? allowing("settings/no-contradiction", "one more day", connect)
          : connect()),
      );
    }

    expect(errors).toMatchObject(
      order.map((isAllowed) => ({ code: isAllowed ? "ECONNREFUSED" : "options/refused" })),
    );
  });

  test("is told once in observe, and connects", async () => {
    const { client: Client, seen } = guarded({ mode: "observe" });
    for (let round = 0; round < 2; round++) {
      const client = new Client({ connectionString: "postgresql://u@127.0.0.1:1/db", port: 2 });

      await expect(client.connect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }

    expect(seen.filter((one) => one.startsWith("settings/"))).toEqual([
      "settings/no-contradiction would-have",
    ]);
  });

  test.each(["enforce", "observe", "bypass"] as const)(
    "with a byte in its password that is no text has an error that says so, in %s",
    (mode) => {
      const { client: Client } = guarded({ mode });

      const error = attempt(() => new Client("postgresql://u:hunter2%ff@h/db"));

      expect(error).toMatchObject({ code: "url/unsupported" });
      expect(inspect(error)).not.toContain("hunter2");
    },
  );

  test("at the address of another pooler is told so once", async () => {
    const { client: Client, seen } = guarded();
    const config = { host: "x.pooler.supabase.com", port: 6543, user: "u" };
    for (let round = 0; round < 2; round++) {
      const client = new Client({ ...config, stream: brokenSocket });
      await expect(client.connect()).rejects.toThrow("no network here");
    }

    expect(seen).toEqual(["pooler/differs reported"]);
  });
});
