import { mkdtemp, rm, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findPeer, loadPeer, peerAnchors } from "../../src/config/index.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "doorpolicy-peer-"));
  await mkdir(join(folder, "node_modules", "broken"), { recursive: true });
  await writeFile(
    join(folder, "node_modules", "broken", "index.js"),
    "require('nowhere-to-be-found')",
  );
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

  test("keeps the reason why an installed package cannot be loaded", () => {
    const load = loading("broken");

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
