import { describe, expect, test } from "vitest";

import { formatName, type NameParts, parseName } from "../../src/index.ts";
import { randomNumbers, thrownBy } from "../support.ts";

const USUAL = "{app}:{user}@{host}";

const TEMPLATES = [
  USUAL,
  "{app}",
  "{app}-{user}",
  "svc/{app}:{env}",
  "{env}/{app}:{user}@{host}/{pod}:{pid}",
  "{host}:{app}_end",
];

describe("format", () => {
  const table: readonly (readonly [template: string, parts: NameParts, name: string])[] = [
    [USUAL, { app: "billing", user: "deploy", host: "web-1" }, "billing:deploy@web-1"],
    [USUAL, { app: "acme/billing", user: "deploy", host: "web-1" }, "acme/billing:deploy@web-1"],
    // The character that ends a part is replaced in that part only.
    [USUAL, { app: "a@b", user: "u:v", host: "h@i:j" }, "a@b:u:v@h@i:j"],
    ["{app}", { app: "a:b@c" }, "a:b@c"],
    ["{app}@{pid}", { app: "billing", pid: "12" }, "billing@12"],
  ];
  for (const [template, parts, name] of table) {
    test(`${template} of ${JSON.stringify(parts)} is ${name}`, () => {
      expect(formatName(template, parts)).toBe(name);
    });
  }

  test("a part that nobody knows is `unknown`, and its name does not count as shortened", () => {
    const name = formatName(USUAL, { app: "billing" });

    expect(name).toBe("billing:unknown@unknown");
    expect(parseName(USUAL, name)?.shortened).toBe(false);
  });

  test("letters lose their accents, and a hash keeps them apart from those that had none", () => {
    const accented = formatName(USUAL, { app: "zahlung", user: "jürgen", host: "büro" });

    expect(accented).toMatch(/^zahlung:jurgen\.\.[0-9a-v]{8}@buro\.\.[0-9a-v]{8}$/u);
    expect(accented).not.toBe(formatName(USUAL, { app: "zahlung", user: "jurgen", host: "buro" }));
  });

  const odd = [
    "\0",
    "a\0b",
    "tab\there",
    "line\nbreak",
    "blank here",
    "a..b",
    "😀",
    "日本語",
    "'quoted\\'",
    "-",
    "ﬁn",
    "%",
    "..",
    "..0123abcd",
  ];
  for (const part of odd) {
    test(`${JSON.stringify(part)} becomes printable ASCII that parses`, () => {
      const name = formatName(USUAL, { app: part, user: part, host: part });

      expect(name).toMatch(/^[A-Za-z0-9._@:/-]{1,63}$/u);
      expect(parseName(USUAL, name)).toBeDefined();
    });
  }

  test("a name that is too long loses the end of its longest part, and keeps the others whole", () => {
    const app = "the-service-with-the-very-longest-name-of-the-whole-company";

    const name = formatName(USUAL, { app, user: "deploy", host: "web-1" });

    expect(name).toMatch(/^the-service-with-the-very-longest-name..\.\.[0-9a-v]{8}:deploy@web-1$/u);
    expect(name).toHaveLength(63);
    expect(parseName(USUAL, name)?.shortened).toBe(true);
  });

  test("names that differ only behind the cut stay different, and keep their hash in every version", () => {
    const app = "x".repeat(80);

    const one = formatName("{app}", { app: `${app}1` });
    const other = formatName("{app}", { app: `${app}2` });

    expect(one).not.toBe(other);
    expect(one).toMatchInlineSnapshot(
      `"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..3ojf91rh"`,
    );
  });
});

describe("format and parse", () => {
  test("parse gives back the parts of every name of canonical parts", () => {
    const random = randomNumbers(1);
    let tried = 0;

    for (let round = 0; round < 5_000; round++) {
      const template = pick(TEMPLATES, random);
      const parts = partsFor(template, () => canonicalText(random));
      const name = formatName(template, parts);
      if (name.includes("..")) continue;
      tried++;
      expect(parseName(template, name)).toEqual({ parts, shortened: false });
    }

    expect(tried).toBeGreaterThan(3_000);
  });

  test("every name of any parts is 1 to 63 bytes of printable ASCII and parses", () => {
    const random = randomNumbers(2);

    const names = Array.from({ length: 10_000 }, () => {
      const template = pick(TEMPLATES, random);
      return {
        template,
        name: formatName(
          template,
          partsFor(template, () => anyText(random)),
        ),
      };
    });

    expect(names.filter((one) => !isGood(one))).toEqual([]);
  });

  test("no two different inputs give one name", () => {
    const random = randomNumbers(3);

    for (const template of TEMPLATES) {
      const names = new Map<string, string>();
      const shared: string[] = [];

      for (let round = 0; round < 5_000; round++) {
        const parts = partsFor(template, () => anyText(random));
        const input = JSON.stringify(parts);
        const name = formatName(template, parts);
        if ((names.get(name) ?? input) !== input) shared.push(name);
        names.set(name, input);
      }

      expect(shared).toEqual([]);
    }
  });

  test("a name made of the parts that were read from one is the same name, unless it was cut", () => {
    const random = randomNumbers(4);

    for (let round = 0; round < 5_000; round++) {
      const template = pick(TEMPLATES, random);
      const name = formatName(
        template,
        partsFor(template, () => anyText(random)),
      );
      const read = parseName(template, name);
      if (read === undefined || read.shortened) continue;
      expect(formatName(template, read.parts)).toBe(name);
    }
  });
});

describe("parse", () => {
  const none = [
    "",
    "billing",
    "billing:deploy",
    "billing:deploy@",
    ":deploy@web",
    "bill ing:deploy@web",
    "bílling:deploy@web",
    "a...b:deploy@web",
    "PostgreSQL JDBC Driver",
    "psql",
  ];
  for (const text of none) {
    test(`${JSON.stringify(text)} is no name of the usual template`, () => {
      expect(parseName(USUAL, text)).toBeUndefined();
    });
  }

  test("the address that application_name_add_host appends is taken off and kept", () => {
    expect(parseName(USUAL, "billing:deploy@web-1 - 10.0.0.7:41732")).toEqual({
      parts: { app: "billing", user: "deploy", host: "web-1" },
      shortened: false,
      clientAddress: "10.0.0.7:41732",
    });
  });

  test("a part that was cut is read without its mark", () => {
    expect(parseName(USUAL, "billing..0123abcd:deploy@web..")).toEqual({
      parts: { app: "billing", user: "deploy", host: "web" },
      shortened: true,
    });
  });
});

describe("a template that is none is refused with a reason", () => {
  const table: readonly (readonly [template: string, reason: string])[] = [
    ["{app}{user}", "directly after each placeholder"],
    ["{app}on{host}", "directly after each placeholder"],
    ["{app}.{host}", "directly after each placeholder"],
    ["{application}", "known are `{app}`"],
    ["{user}@{host}", "must hold `{app}`"],
    ["", "must hold `{app}`"],
    ["{app}:{app}", "only once"],
    ["{app} {user}", "nothing else"],
    ["{app}:{user", "nothing else"],
    [`${"x".repeat(60)}{app}`, "no room"],
  ];
  for (const [template, reason] of table) {
    test(JSON.stringify(template), () => {
      const error = thrownBy(() => formatName(template, { app: "a" }));

      expect(error).toMatchObject({ code: "naming/invalid", path: "naming.template" });
      expect(String(error)).toContain(reason);
    });
  }
});

function partsFor(template: string, text: () => string): NameParts {
  const names = Array.from(template.matchAll(/\{(\w+)\}/gu), ([, name = ""]) => name);
  return Object.fromEntries(names.map((name) => [name, text()]));
}

function canonicalText(random: () => number): string {
  return lettersOf("abcXYZ019_/", 1 + Math.floor(random() * 12), random);
}

/** Short and long, plain and odd, so that folding, cutting and both together happen. */
function anyText(random: () => number): string {
  const alphabet = pick(["ab", "abc-._/", "aä:@.", "\0\n \t'\\%", "日本😀é", "x"], random);
  return lettersOf(alphabet, Math.floor(random() * pick([3, 12, 90], random)), random);
}

function lettersOf(alphabet: string, length: number, random: () => number): string {
  const letters = Array.from(alphabet);
  return Array.from({ length }, () => pick(letters, random)).join("");
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("Nothing to pick from.");
  return item;
}

function isGood({ template, name }: { template: string; name: string }): boolean {
  return /^[A-Za-z0-9._@:/-]{1,63}$/u.test(name) && parseName(template, name) !== undefined;
}
