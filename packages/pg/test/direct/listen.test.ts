import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";

import { currentUnit, listen, type ListenOptions, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { listenText } from "../../src/direct/channel-name.ts";
import { eventually, rejection } from "../world.ts";
import { type DirectWorld, startDirectWorld } from "./direct-world.ts";

let direct: DirectWorld;

beforeAll(async () => {
  direct = await startDirectWorld();
});
afterAll(async () => {
  await direct[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await eventually(async () => assert.deepEqual(await direct.backends(), []));
});

/** Everything that a listener says, in the order in which it says it. */
function ears(): { readonly heard: string[]; readonly options: ListenOptions } {
  const heard: string[] = [];
  return {
    heard,
    options: {
      channels: ["jobs"],
      onNotification: ({ channel, payload }) => heard.push(`${channel} ${payload}`),
      onGap: ({ attempts }) => heard.push(`gap ${attempts > 0}`),
      onError: () => heard.push("error"),
    },
  };
}

function isListen({ sql }: { readonly sql?: string | undefined }): boolean {
  return sql?.startsWith("LISTEN") === true;
}

async function notify(payload: string, channel = "jobs"): Promise<void> {
  await direct.world.bed.sql(
    `select pg_notify('${channel.replaceAll("'", "''")}', '${payload}')`,
    "app",
  );
}

describe("listen()", () => {
  test("hears what is sent from its resolution on, on one connection with the policy's name", async () => {
    const { heard, options } = ears();

    await using listener = await listen(direct.policy(), options);
    await notify("one");
    await notify("two");

    await eventually(() => expect(heard).toEqual(["jobs one", "jobs two"]));
    expect(await direct.backends()).toHaveLength(1);
    expect(listener.state).toBe("listening");
  });

  test("takes a channel's name as it is, and hears no other", async () => {
    const { heard, options } = ears();
    const channels = ['My "Jobs"', "it's", "it's"];

    await using _ = await listen(direct.policy(), { ...options, channels });
    await notify("x", "jobs");
    await notify("a", 'My "Jobs"');
    await notify("b", "it's");

    await eventually(() => expect(heard).toEqual(['My "Jobs" a', "it's b"]));
  });

  test("connects again when its backend is ended, and says that something may be missed", async () => {
    const { heard, options } = ears();
    await using listener = await listen(direct.policy(), options);

    await direct.terminate();
    await eventually(() => expect(heard).toEqual(["error", "gap true"]));
    await notify("after");

    await eventually(() => expect(heard.at(-1)).toBe("jobs after"));
    expect(listener.state).toBe("listening");
    expect(await direct.backends()).toHaveLength(1);
  });

  test("tries for as long as nobody answers", async () => {
    const { heard, options } = ears();
    await using listener = await listen(direct.policy(), { ...options, maxDelayMs: 40 });
    const wall = direct.wire.when({ direction: "client", message: "Startup" }, "cut");

    await direct.terminate();
    await eventually(() => expect(wall.count).toBeGreaterThan(3));
    expect(listener.state).toBe("reconnecting");
    wall.remove();

    await eventually(() => expect(heard.at(-1)).toBe("gap true"));
    expect(heard.filter((one) => one === "error").length).toBeGreaterThan(3);
  });

  test("notices a connection that has died in silence, and one whose LISTEN is not answered", async () => {
    const { heard, options } = ears();
    using silence = direct.wire.when(
      { direction: "client", message: "Query", match: ({ sql }) => sql === "select 1", nth: 1 },
      "blackHole",
    );
    using deaf = direct.wire.when({ direction: "client", match: isListen, nth: 2 }, "blackHole");

    await using _ = await listen(direct.policy(), { ...options, livenessTimeoutMs: 200 });
    await silence.hit;
    await deaf.hit;

    await eventually(() => expect(heard).toEqual(["error", "error", "gap true"]));
    for (const connection of direct.wire.connections.slice(0, -1)) connection.cut("rst");
  });

  test("rejects where its first connection fails, and leaves nothing open", async () => {
    const { heard, options } = ears();
    using wall = direct.wire.when({ direction: "client", message: "Startup" }, "cut");
    using deaf = direct.wire.when({ direction: "client", match: isListen }, "cut");

    const refused = await rejection(listen(direct.policy(), options));
    wall.remove();
    const unanswered = await rejection(listen(direct.policy(), options));
    deaf.remove();

    expect([refused, unanswered]).toEqual([expect.any(Error), expect.any(Error)]);
    expect(heard).toEqual([]);
    await eventually(async () => expect(await direct.backends()).toEqual([]));
  });

  test("is closed once, by whomever, and is silent from then on", async () => {
    const { heard, options } = ears();
    const abort = new AbortController();
    const byHand = await listen(direct.policy(), options);
    const bySignal = await listen(direct.policy(), { ...options, signal: abort.signal });

    abort.abort();
    await Promise.all([byHand.close(), byHand.close(), bySignal.close()]);
    await notify("late");

    expect([byHand.state, bySignal.state]).toEqual(["closed", "closed"]);
    expect(heard).toEqual([]);
    await eventually(async () => expect(await direct.backends()).toEqual([]));
    const tooLate = listen(direct.policy(), { ...options, signal: abort.signal });
    expect(await rejection(tooLate)).toBe(abort.signal.reason);
  });

  test("is closed while it connects again, without waiting for that", async () => {
    const { options } = ears();
    const listener = await listen(direct.policy(), options);
    using held = direct.wire.when({ direction: "client", message: "Startup" }, "hold");

    await direct.terminate();
    await held.hit;
    const begun = performance.now();
    await listener.close();

    expect(listener.state).toBe("closed");
    // The policy gives a connect 5 s.
    expect(performance.now() - begun).toBeLessThan(2_500);
    held.remove();
    await eventually(async () => expect(await direct.backends()).toEqual([]));
  });

  test.each([
    ["connects", { direction: "client", message: "Startup" }],
    ["says LISTEN", { direction: "client", match: isListen }],
  ] as const)("is not waited for when the signal ends it while it %s", async (_, where) => {
    const { heard, options } = ears();
    const abort = new AbortController();
    const { signal } = abort;
    using held = direct.wire.when(where, "hold");

    const opening = listen(direct.policy(), { ...options, signal });
    opening.catch(() => undefined);
    await held.hit;
    abort.abort(new Error("enough"));

    expect(await rejection(opening)).toBe(signal.reason);
    expect(heard).toEqual([]);
    held.remove();
    await eventually(async () => expect(await direct.backends()).toEqual([]));
  });

  test("survives what the caller's functions throw, and says it as a warning", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);

    await using _ = await listen(direct.policy(), {
      channels: ["jobs"],
      onNotification: ({ payload }) => {
        if (payload === "throws") throw new Error("thrown");
        return Promise.reject(new Error("rejected"));
      },
      onGap: () => undefined,
    });
    await notify("throws");
    await notify("rejects");
    await direct.terminate();

    await eventually(() =>
      expect(warnings).toEqual([
        "`onNotification` of a listener failed: thrown",
        "`onNotification` of a listener failed: rejected",
        expect.stringMatching(/^A listener has lost its connection, and connects again: /),
      ]),
    );
    process.off("warning", note);
  });

  test("warns once for each loss where nobody hears of its errors", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    let gaps = 0;

    await using _ = await listen(direct.policy(), {
      channels: ["jobs"],
      onNotification: () => undefined,
      onGap: () => (gaps += 1),
      maxDelayMs: 40,
    });
    for (const loss of [1, 2]) {
      const wall = direct.wire.when({ direction: "client", message: "Startup" }, "cut");
      await direct.terminate();
      await eventually(() => expect(wall.count).toBeGreaterThan(3));
      wall.remove();
      await eventually(() => expect(gaps).toBe(loss));
    }

    const lost = expect.stringMatching(/^A listener has lost its connection, and connects again: /);
    await eventually(() => expect(warnings).toEqual([lost, lost]));
    process.off("warning", note);
  });

  test("calls its functions in the caller's context, and in nobody's unit", async () => {
    const request = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];

    const listener = await request.run("boot", () =>
      unitOfWork(() =>
        listen(direct.policy(), {
          channels: ["jobs"],
          onNotification: () => contexts.push(request.getStore(), currentUnit()),
          onGap: () => undefined,
        }),
      ),
    );
    await notify("x");

    await eventually(() => expect(contexts).toEqual(["boot", undefined]));
    await listener.close();
  });

  test("is refused where it would go through the pooler", async () => {
    const { options } = ears();

    const error = await rejection(listen(direct.policy({ direct: undefined }), options));

    expect(error).toMatchObject({ code: "policy/missing-url", path: "targets.main.direct" });
  });

  test.each([
    ["onGap", { onGap: undefined }],
    ["onNotification", { onNotification: 5 }],
    ["channels", { channels: "jobs" }],
    ["channels", { channels: [] }],
    ["chanels", { chanels: [] }],
    ["livenessTimeoutMs", { livenessTimeoutMs: 0 }],
  ])("names a wrong %s", async (path, wrong) => {
    const { options } = ears();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it is wrong is the point.
    const given = { ...options, ...wrong } as ListenOptions;

    expect(await rejection(listen(direct.policy(), given))).toMatchObject({
      code: "direct/invalid",
      path,
    });
  });
});

describe("the name of a channel", () => {
  test.each([
    [["jobs"], 'LISTEN "jobs"'],
    [["a", 'b"c'], 'LISTEN "a"; LISTEN "b""c"'],
    [["x; drop table t"], 'LISTEN "x; drop table t"'],
    [["ä".repeat(31)], `LISTEN "${"ä".repeat(31)}"`],
  ])("%j", (channels, text) => {
    expect(listenText(channels)).toBe(text);
  });

  test.each([[""], ["a".repeat(64)], ["ä".repeat(32)], ["a\0"], [5], [undefined]])(
    "%j is none",
    (name) => {
      expect(() => listenText(["jobs", name])).toThrow(
        expect.objectContaining({ code: "direct/invalid", path: "channels[1]" }),
      );
    },
  );
});
