import { mkdtemp, rm, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findPeer, loadPeer, peerAnchors } from "../../src/config/index.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "doorpolicy-peer-"));
  for (const [name, needed] of [
    ["broken", "nowhere-to-be-found/lib/x.js"],
    ["halved", "./lost.js"],
  ] as const) {
    await mkdir(join(folder, "node_modules", name), { recursive: true });
    await writeFile(join(folder, "node_modules", name, "index.js"), `require("${needed}")`);
  }
  await writeFile(join(folder, "package.json"), "{}");
});

afterAll(() => rm(folder, { recursive: true }));

describe("loadPeer", () => {
  test("finds a package from the first anchor that has it", () => {
    const anchors = [join(folder, "package.json"), ...peerAnchors(import.meta.url)];

    const pg = loadPeer("pg", "driver", anchors);

    expect(pg).toHaveProperty("Pool");
    expect(findPeer("pg", [join(folder, "package.json")])).toBeUndefined();
  });

  test("says what to install where there is none", () => {
    const load = loading("pg");

    expect(load).toThrow(
      "The package `pg` is not installed. Run `npm install pg`, or pass it as `driver`.",
    );
    expect(load).toThrow(expect.objectContaining({ code: "driver/missing" }));
  });

  test("names the package that an installed one needs, and keeps the reason", () => {
    const load = loading("broken");

    expect(load).toThrow(
      "The package `nowhere-to-be-found` is not installed, and `broken` cannot be loaded without it. Run `npm install nowhere-to-be-found`",
    );
    expect(load).toThrow(
      expect.objectContaining({
        code: "driver/missing",
        cause: expect.objectContaining({ code: "MODULE_NOT_FOUND" }) as unknown,
      }),
    );
  });

  test("says of a package that is broken in itself only that, and keeps the reason", () => {
    const load = loading("halved");

    expect(load).toThrow(
      "The package `halved` is installed and cannot be loaded. Run `npm install halved` again",
    );
    expect(load).toThrow(
      expect.objectContaining({
        code: "driver/missing",
        cause: expect.objectContaining({ code: "MODULE_NOT_FOUND" }) as unknown,
      }),
    );
  });

  test("does without a place of its own in a bundled application", () => {
    expect(peerAnchors(undefined)).not.toContain(undefined);
  });
});

function loading(name: string): () => unknown {
  return () => loadPeer(name, "driver", [join(folder, "package.json")]);
}
