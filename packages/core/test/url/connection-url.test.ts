import { inspect } from "node:util";

import { describe, expect, test } from "vitest";

import {
  conflictingParameters,
  readConnectionUrl,
  withoutParameters,
  withParameter,
} from "../../src/index.ts";
import { thrownBy } from "../support.ts";

/** URLs that drivers take; the password is always `hunter2` or a part of a text that holds it. */
const readable: readonly (readonly [url: string, says: object])[] = [
  [
    "postgresql://u:hunter2@h:5432/db",
    { scheme: "postgresql", host: "h", port: "5432", database: "db", hasUser: true },
  ],
  ["POSTGRES://u:hunter2@h/db", { scheme: "postgres", host: "h" }],
  ["postgres://h", { host: "h", hasUser: false }],
  ["postgres://u@h", { hasUser: true }],
  ["postgres://u:@h:", { host: "h", hasUser: true }],
  ["postgres:///db", { database: "db", hasUser: false }],
  ["postgres://", { hasUser: false }],
  ["postgres://u:hunter2%40%3A%2F%3F%23%25@h/db", { host: "h", database: "db" }],
  ["postgres://u:hunter2@ss@h/db", { host: "h" }],
  ["postgres://u:100%hunter2@h/db", { host: "h" }],
  ["postgres://u:a hunter2@h/db", { host: "h" }],
  ["postgres://u:hunter2'\"\\é@h/db", { host: "h" }],
  ["postgres://u:hunter2@/db?host=/run/pg", { host: "/run/pg", database: "db" }],
  ["postgres://u:hunter2@%2Frun%2Fpg/db", { host: "/run/pg" }],
  ["postgres://u:hunter2@h1:5432,h2:5433/db", { host: "h1,h2", port: "5432,5433" }],
  ["postgres://u:hunter2@h1,h2/db", { host: "h1,h2" }],
  ["postgres://u:hunter2@[::1]:5432/db", { host: "::1", port: "5432" }],
  ["postgres://u:hunter2@[fe80::1%25eth0]/db", { host: "fe80::1%eth0" }],
  ["postgres://u:hunter2@my_db_Host/my%20db%2Fx", { host: "my_db_Host", database: "my db/x" }],
  ["postgres://h/db?", { parameters: [] }],
  [
    "postgres://h/db?a=1&&a=2&b",
    {
      parameters: [
        { name: "a", value: "1" },
        { name: "a", value: "2" },
        { name: "b", value: "" },
      ],
    },
  ],
  [
    "postgres://h/db?options=-c%20search_path%3Da%2Cb",
    { parameters: [{ name: "options", value: "-c search_path=a,b" }] },
  ],
  ["postgres://h/db?options=-c+x%3D1", { parameters: [{ name: "options", value: "-c x=1" }] }],
  [
    "postgres://h/db?application_name=billing:deploy@web",
    { host: "h", parameters: [{ name: "application_name", value: "billing:deploy@web" }] },
  ],
  [
    "postgres://h/db?user=bob&password=hunter2&port=6432",
    {
      port: "6432",
      hasUser: true,
      parameters: [
        { name: "user", value: "bob" },
        { name: "password", value: "[hidden]" },
        { name: "port", value: "6432" },
      ],
    },
  ],
  ["postgres://h/db?a=%zz#frag?x=1", { database: "db", parameters: [{ name: "a", value: "%zz" }] }],
];

describe("read", () => {
  for (const [url, says] of readable) {
    test(url, () => {
      const read = readConnectionUrl(url);

      expect(read).toMatchObject(says);
      expect(inspect(read, { depth: 5 })).not.toContain("hunter2");
    });
  }
});

/** What is no URL of a database, or one that every driver misreads. */
const refused: readonly (readonly [url: string, says: string])[] = [
  ["", "is empty"],
  ["  ", "is empty"],
  [" postgres://u:hunter2@h/db", "begins with a blank"],
  ["'postgres://u:hunter2@h/db'", "in quotation marks"],
  ['"postgres://u:hunter2@h/db"', "in quotation marks"],
  ["host=h user=u password=hunter2", "a list of `key=value` words"],
  ["prisma://accelerate/?api_key=hunter2", "no direct connection"],
  ["prisma+postgres://localhost/?api_key=hunter2", "`prisma+postgres:` is no direct connection"],
  ["mysql://root:hunter2@h/db", "`mysql:`"],
  ["hunter2:hunter2@h", "has no scheme"],
  ["h/db", "has no scheme"],
  ["postgres:u:hunter2@h", "no `//`"],
  ["postgres://u:hunter2@h:70000/db", "no valid host and port"],
  ["postgres://u:hunter2@h:port/db", "no valid host and port"],
  ["postgres://u:x/hunter2@h/db", "`/`, `?` or `#`"],
  ["postgres://u:x?hunter2@h/db", "`/`, `?` or `#`"],
  ["postgres://u:x#hunter2@h/db", "`/`, `?` or `#`"],
  ["postgres://u:12/hunter2@h/db", "`/`, `?` or `#`"],
  ["postgres://u:12?hunter2@h/db", "`/`, `?` or `#`"],
  ["postgres://u:12#hunter2@h/db", "`/`, `?` or `#`"],
  // pg: a bare `URIError: URI malformed`, from wherever the client is made.
  ["postgres://u:hunter2%ff@h/db", "an encoded byte that is no character"],
  ["postgres://u%ff:hunter2@h/db", "an encoded byte that is no character"],
  ["postgres://u:hunter2%C3@h/db", "an encoded byte that is no character"],
  ["postgres://u:hunter2@h%ff/db", "an encoded byte that is no character"],
  ["postgres://u:hunter2@h/db%80", "an encoded byte that is no character"],
  ["postgres://u:hunter2@h/db\n", "a control character"],
  ["postgres://u:hunter2\0@h/db", "a control character"],
];

describe("refuse, without a word of the URL", () => {
  for (const [url, says] of refused) {
    test(JSON.stringify(url), () => {
      for (const use of [readConnectionUrl, (text: string) => readConnectionUrl(text)]) {
        const error = thrownBy(() => use(url));

        expect(error).toMatchObject({ code: "url/unsupported" });
        expect(String(error)).toContain(says);
        expect(inspect(error)).not.toContain("hunter2");
      }
    });
  }
});

describe("withParameter", () => {
  const name = "billing:deploy@web-1/x";
  const encoded = "application_name=billing:deploy%40web-1/x";

  for (const [url] of readable) {
    test(`${url} keeps every other character, and twice is once`, () => {
      const once = withParameter(url, "application_name", name);

      const fragment = url.includes("#") ? url.slice(url.indexOf("#")) : "";
      const rest = url
        .slice(0, url.length - fragment.length)
        .replace(/application_name=[^&]*&?/u, "");
      const mark = rest.endsWith("?") ? "" : rest.includes("?") ? "&" : "?";
      expect(once).toBe(`${rest}${mark}${encoded}${fragment}`);
      expect(withParameter(once, "application_name", name)).toBe(once);
      expect(readConnectionUrl(once).parameters.at(-1)).toEqual({
        name: "application_name",
        value: name,
      });
    });
  }

  const table = [
    ["postgres://h/db?a=1&application_name=old&b=2", "postgres://h/db?a=1&b=2&application_name=n"],
    ["postgres://h/db?application_name=x&application_name=y", "postgres://h/db?application_name=n"],
    ["postgres://h/db?application%5Fname=x#f", "postgres://h/db?application_name=n#f"],
  ] as const;
  for (const [before, after] of table) {
    test(`${before} becomes ${after}`, () => {
      expect(withParameter(before, "application_name", "n")).toBe(after);
    });
  }

  test("a value cannot become another parameter, a fragment or a blank", () => {
    const url = withParameter("postgres://h/db", "options", "a&b=c#d?e f+g%");

    expect(url).toBe("postgres://h/db?options=a%26b%3Dc%23d%3Fe%20f%2Bg%25");
    expect(readConnectionUrl(url).parameters).toEqual([
      { name: "options", value: "a&b=c#d?e f+g%" },
    ]);
  });

  test("what is no connection URL is refused", () => {
    expect(thrownBy(() => withParameter("mysql://h", "a", "b"))).toMatchObject({
      code: "url/unsupported",
    });
  });
});

describe("withoutParameters", () => {
  const table = [
    ["postgres://h/db?pgbouncer=true", "postgres://h/db"],
    ["postgres://h/db?pgbouncer=true#f", "postgres://h/db#f"],
    ["postgres://h/db?a=%20+&pgbouncer=true&pgbouncer=false&b", "postgres://h/db?a=%20+&b"],
    ["postgres://h/db?a=1", "postgres://h/db?a=1"],
    ["postgres://h/db?", "postgres://h/db?"],
    ["postgres://h/pgbouncer=true", "postgres://h/pgbouncer=true"],
  ] as const;
  for (const [before, after] of table) {
    test(`${before} becomes ${after}`, () => {
      expect(withoutParameters(before, ["pgbouncer", "schema"])).toBe(after);
    });
  }
});

describe("parameters that stand twice in a URL with different values", () => {
  const table: readonly (readonly [query: string, names: readonly string[]])[] = [
    ["", []],
    ["?a=b&a=b", []],
    ["?a=b&a=c", ["a"]],
    ["?a=b&a=c&a=b", ["a"]],
    ["?a=%62&a=b", []],
    ["?a&a=", []],
    ["?password=a&password=b", ["password"]],
    ["?password=a&password=a", []],
    ["?constructor=1&constructor=2&a=1", ["constructor"]],
  ];
  for (const [query, names] of table) {
    test(`${query || "none"}: ${names.join(", ") || "nothing"}`, () => {
      expect(conflictingParameters(`postgres://u@h/db${query}`)).toEqual(names);
    });
  }
});
