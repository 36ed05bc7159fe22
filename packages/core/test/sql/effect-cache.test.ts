import { describe, expect, test } from "vitest";

import { cachedEffectsOf, EffectCache } from "../../src/sql/effect-cache.ts";
import { effectsOf } from "../../src/sql/effects.ts";

describe("what is kept", () => {
  test("is one entry for a text whatever comments a tracing agent puts around it", () => {
    const cache = new EffectCache();
    const ids = ["4bf92f35", "00f067aa", "77b34da6"];

    const found = ids.flatMap((id) => [
      cache.effectsOf(`select nextval('s') /*action='list%20a',traceparent='00-${id}-01'*/`),
      cache.effectsOf(`select nextval('s') /*traceparent='00-${id}-01'*/;`),
      cache.effectsOf(`/*dddbs='a',traceparent='${id}'*/ select nextval('s') `),
    ]);

    expect(cache.size).toBe(1);
    expect(new Set(found.map(({ effects }) => effects[0]?.kind))).toEqual(new Set(["sequence"]));
    expect(found[0]).toBe(found[3]);
  });

  test("tells places in the text that was given, behind a comment as well", () => {
    const cache = new EffectCache();
    for (const before of ["", "/*a='b'*/ ", "/*a='bcd'*/ /* e */ "]) {
      const text = `${before}select nextval('s')`;

      expect(cache.effectsOf(text)).toEqual(effectsOf(text));
    }
  });

  test("is one frozen result for the same text", () => {
    const text = "listen a";

    expect(cachedEffectsOf(text)).toBe(cachedEffectsOf(text));
    expect(Object.isFrozen(cachedEffectsOf(text))).toBe(true);
  });

  test("is bounded in number: who came first goes first", () => {
    const cache = new EffectCache({ maxTexts: 2 });

    for (const text of ["listen a", "listen b", "listen a", "listen c"]) cache.effectsOf(text);

    expect(cache.size).toBe(2);
    expect(cache.effectsOf("listen a").effects).toMatchObject([{ channel: "a" }]);
  });

  test("is no text that is longer than the limit, its comment counted", () => {
    const cache = new EffectCache({ maxLength: 20 });

    cache.effectsOf("select 1 /*a='bcdefghijklm'*/");
    cache.effectsOf("listen a_long_name_that_goes_on");
    cache.effectsOf("select 1");

    expect(cache.size).toBe(1);
  });
});

describe("what stands before a comment of any kind", () => {
  test("is ordinary again when the comment is another", () => {
    const cache = new EffectCache();

    const found = ["! 1", "\\ $$ 2", "' \" 3"].map((odd) =>
      cache.effectsOf(`select 1 /* ${odd} */`),
    );

    expect(new Set(found)).toEqual(new Set([effectsOf("select 1")]));
  });

  test("is read by what it does, each time", () => {
    const cache = new EffectCache();
    for (const odd of ["! 1", "! 2"]) {
      const text = `listen a /* ${odd} */`;

      expect(cache.effectsOf(text)).toEqual(effectsOf(text));
    }
  });
});

test("a comment that another stands in is no end of one", () => {
  const text = "/*/*/ listen a */ */ select 1";

  expect(new EffectCache().effectsOf(text)).toEqual(effectsOf("select 1"));
});

describe("no comment is taken for one that", () => {
  const texts = [
    "select '/*', pg_advisory_lock(1) -- */",
    "select '/*' || pg_advisory_lock(1) -- a='b'*/",
    "select '/*a=', pg_advisory_lock(1) --'*/",
    'select "/*a", pg_advisory_lock(1) --"*/',
    "select $$/*a$$, pg_advisory_lock(1) -- $$*/",
    "select E'\\'/*a', pg_advisory_lock(1) -- */",
    "select 1 -- /*\n, pg_advisory_lock(1) /*a='b'*/",
    "/* a /* b */ select 1 */ select pg_advisory_lock(1)",
    "/*a*/ select pg_advisory_lock(1) /*/",
    "-- /*\nselect pg_advisory_lock(1) /**/",
    "/*/ select 1 */ select pg_advisory_lock(1)",
    "/*/*/ select 1 */ */ select pg_advisory_lock(1)",
    "select 1 /* a */, pg_advisory_lock(1) -- */",
    "select 1 /* a */, pg_advisory_lock(1) /* ! */",
    "select 1 /* /* */ */, pg_advisory_lock(1) /* ! */",
  ];
  for (const text of texts) {
    test(`is none: ${JSON.stringify(text)}`, () => {
      expect(new EffectCache().effectsOf(text)).toEqual(effectsOf(text));
      expect(effectsOf(text).effects).toMatchObject([{ kind: "session-lock" }]);
    });
  }
});
