import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy, type FaultProxy } from "@doorpolicy/testbed";

let proxy: FaultProxy;

beforeAll(async () => {
  // Nothing connects here.
  proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: 5432 } });
});
afterAll(() => proxy?.stop());

describe("url()", () => {
  it.each([
    ["postgres://u:p%40w@db.example:6432/app", "postgres://u:p%40w@HERE/app"],
    ["postgresql://db.example", "postgresql://HERE"],
    ["postgres://u:p@w@[::1]:5432/a%20b?x=1", "postgres://u:p@w@HERE/a%20b?x=1"],
    [
      "postgres://u@/app?host=/tmp&port=5433&application_name=a:b@c",
      "postgres://u@HERE/app?host=127.0.0.1&port=PORT&application_name=a:b@c",
    ],
    ["postgres://a:1,b:2/app?sslmode=require", "postgres://HERE/app?sslmode=require"],
  ])("%s → %s", (original, expected) => {
    const exchanged = proxy.url(original);

    expect(exchanged).toBe(
      expected.replace("HERE", `127.0.0.1:${proxy.port}`).replace("PORT", String(proxy.port)),
    );
  });

  it.each(["mysql://u:verysecret@h/d", "verysecret"])("%s is refused, and not shown", (given) => {
    expect(() => proxy.url(given)).toThrowError(
      expect.objectContaining({
        code: "testbed/invalid-option",
        message: expect.not.stringContaining("verysecret"),
      }),
    );
  });
});

describe("startFaultProxy()", () => {
  it.each([
    [`{ "target": "verysecret" }`, "`target`"],
    [`{ "target": "postgres:///app" }`, "`target`"],
    [`{ "target": { "host": "h", "port": 0 } }`, "`target.port`"],
    [`{ "target": "postgres://h", "transcript": -1 }`, "`transcript`"],
    [`{ "target": "postgres://h", "trancript": 1 }`, "`trancript`"],
  ])("%s is refused by name", async (json, name) => {
    const failure = startFaultProxy(JSON.parse(json));

    await expect(failure).rejects.toMatchObject({
      code: "testbed/invalid-option",
      message: expect.stringContaining(name),
    });
    await expect(failure).rejects.not.toThrowError(/verysecret/);
  });
});
