import { describe, expect, test } from "vitest";

import { checkedSearchPath, namesOf } from "../../src/units/schema-list.ts";
import { setLocalTexts } from "../../src/units/settings.ts";

const PATH = "setLocal.search_path";

describe("a search_path as a list", () => {
  test.each([
    [["tenant_7"], '"tenant_7"'],
    [["tenant_7", "public"], '"tenant_7", "public"'],
    [["Tenant-7"], '"Tenant-7"'],
    [["a, other"], '"a, other"'],
    [['a"b'], '"a""b"'],
    [["$User"], '"$User"'],
    [["pg_temp_3"], '"pg_temp_3"'],
    [[], ""],
    [["ä".repeat(31)], `"${"ä".repeat(31)}"`],
  ])("%j", (names, text) => {
    expect(checkedSearchPath(names, PATH)).toBe(text);
    expect(namesOf(text)).toEqual(names);
  });

  test.each([[[""]], [["a".repeat(64)]], [["ä".repeat(32)]], [["a\0b"]], [[7]], [[undefined]]])(
    "%j is refused without its names",
    (names) => {
      expect(() => checkedSearchPath(names, PATH)).toThrow(
        expect.objectContaining({
          code: "unit/invalid",
          path: `${PATH}[0]`,
          message: expect.not.stringContaining("aaaa"),
        }),
      );
    },
  );

  test.each([[["$user"]], [["public", "$user"]], [["public", "pg_temp"]]])(
    "%j is refused, since PostgreSQL reads no schema's name in it",
    (names) => {
      expect(() => checkedSearchPath(names, PATH)).toThrow(
        expect.objectContaining({ code: "unit/invalid", path: `${PATH}[${names.length - 1}]` }),
      );
    },
  );
});

describe("a search_path as a text", () => {
  test.each([
    ["tenant_7", ["tenant_7"]],
    ["Tenant_7 , PUBLIC", ["tenant_7", "public"]],
    ['"Tenant-7",public', ["Tenant-7", "public"]],
    ['"$user", public', ["$user", "public"]],
    ['"a""b"', ['a"b']],
    ["ärger", ["ärger"]],
    ["", []],
    ["  ", []],
  ])("%j", (text, names) => {
    expect(namesOf(checkedSearchPath(text, PATH))).toEqual(names);
  });

  test.each(["a b", "a,", ",a", "a,,b", "tenant-7", "7a", '"a', 'a"b"', "a; drop", "$user", '""'])(
    "%j is refused",
    (text) => {
      expect(() => checkedSearchPath(text, PATH)).toThrow(
        expect.objectContaining({ code: "unit/invalid" }),
      );
    },
  );
});

test("a search_path behind BEGIN is a literal for each schema", () => {
  const search_path = checkedSearchPath(["o'neil", 'a"b', "c\\d"], PATH);

  expect(setLocalTexts({ search_path })).toEqual([
    `SET LOCAL "search_path" TO 'o''neil', 'a"b',  E'c\\\\d'`,
  ]);
});
