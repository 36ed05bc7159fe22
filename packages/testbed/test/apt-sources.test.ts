import { describe, expect, it } from "vitest";
import {
  parseDeb822,
  parseOneLine,
  sourcesText,
  withSuite,
  type AptSource,
} from "../src/provision/apt-sources.ts";

const debian: AptSource = {
  uri: "http://mirror.test:8080/debian",
  suite: "bookworm",
  components: ["main"],
};

describe("one-line sources", () => {
  it.each<[string, AptSource[]]>([
    ["deb http://mirror.test:8080/debian bookworm main", [debian]],
    ["  deb   http://mirror.test:8080/debian\tbookworm  main # ours", [debian]],
    ["# deb http://mirror.test/debian bookworm main", []],
    ["deb-src http://mirror.test/debian bookworm main", []],
    [
      "deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://m.test/ubuntu noble main universe",
      [
        {
          uri: "https://m.test/ubuntu",
          suite: "noble",
          components: ["main", "universe"],
          signedBy: "/usr/share/keyrings/k.gpg",
        },
      ],
    ],
    ["", []],
  ])("%s", (text, sources) => {
    expect(parseOneLine(text)).toEqual(sources);
  });
});

describe("deb822 sources", () => {
  it.each<[string, AptSource[]]>([
    [
      "Types: deb\n# where the image was made\nURIs: http://mirror.test:8080/debian\nSuites: bookworm\nComponents: main\n",
      [debian],
    ],
    [
      "Types: deb deb-src\nURIs: http://a.test/d http://b.test/d\nSuites: x x-updates\nComponents: main\n",
      ["http://a.test/d", "http://b.test/d"].flatMap((uri) =>
        ["x", "x-updates"].map((suite) => ({ uri, suite, components: ["main"] })),
      ),
    ],
    ["Types: deb-src\nURIs: http://a.test/d\nSuites: x\nComponents: main\n", []],
    ["Enabled: no\nTypes: deb\nURIs: http://a.test/d\nSuites: x\nComponents: main\n", []],
    [
      "types: deb\nuris:\n http://a.test/d\nsuites: x\ncomponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n",
      [
        {
          uri: "http://a.test/d",
          suite: "x",
          components: ["main"],
          signedBy: "\n -----BEGIN\n .\n abc",
        },
      ],
    ],
    ["\n\n", []],
  ])("%j", (text, sources) => {
    expect(parseDeb822(text)).toEqual(sources);
  });
});

describe("another suite of the machine's mirror", () => {
  const updates = { ...debian, suite: "bookworm-updates" };
  const security = { ...debian, uri: "http://mirror.test/debian-security", suite: "bookworm" };

  it.each<[string, AptSource[], AptSource | undefined]>([
    ["the main archive", [debian], { ...debian, suite: "trixie" }],
    ["not updates, not security", [security, updates, debian], { ...debian, suite: "trixie" }],
    ["nothing where there is no main archive", [{ ...debian, components: ["contrib"] }], undefined],
  ])("%s", (_, sources, expected) => {
    expect(withSuite(sources, "trixie")).toEqual(expected);
  });

  it("is written so that apt reads it back as it was, embedded keys included", () => {
    const source = { ...debian, signedBy: "\n -----BEGIN\n .\n abc" };

    const text = sourcesText([source]);

    expect(text).toContain("Signed-By: \n -----BEGIN\n .\n abc\n");
    expect(text).toContain("Check-Valid-Until: no\n");
  });
});
