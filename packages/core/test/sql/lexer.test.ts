import { describe, expect, test } from "vitest";

import { Lexer, tokensIn } from "../../src/sql/lexer.ts";

/** Without blanks; `!` marks a token that the text ends in. */
const tokens = (text: string): string[] =>
  Array.from(tokensIn(text), ({ kind, start, end, unterminated }) => ({
    kind,
    shown: `${kind}${unterminated ? "!" : ""} ${text.slice(start, end)}`,
  }))
    .filter(({ kind }) => kind !== "whitespace")
    .map(({ shown }) => shown);

const groups: Readonly<Record<string, readonly (readonly [text: string, ...tokens: string[]])[]>> =
  {
    "blanks and comments": [
      [""],
      [" \t\r\n\f\v"],
      ["a--b\nc", "identifier a", "comment --b", "identifier c"],
      ["a--b\rc", "identifier a", "comment --b", "identifier c"],
      ["a -- b", "identifier a", "comment -- b"],
      ["a/*b*/c", "identifier a", "comment /*b*/", "identifier c"],
      ["/* a /* b */ ' */c", "comment /* a /* b */ ' */", "identifier c"],
      ["/*/ a */", "comment /*/ a */"],
      ["/* a **/", "comment /* a **/"],
      ["/* a /* b */", "comment! /* a /* b */"],
      ["/*", "comment! /*"],
    ],
    names: [
      ["Ab_9$z", "identifier Ab_9$z"],
      ["a$1 a$$", "identifier a$1", "identifier a$$"],
      ["naïve 名前 😀", "identifier naïve", "identifier 名前", "identifier 😀"],
      // Blanks to a reader, letters to PostgreSQL.
      ["\ufeffa\u00a0b", "identifier \ufeffa\u00a0b"],
      ['"a b" """"', 'quoted-identifier "a b"', 'quoted-identifier """"'],
      ['"--" "\'"', 'quoted-identifier "--"', 'quoted-identifier "\'"'],
      ['U&"\\0061" u&""""', 'unicode-identifier U&"\\0061"', 'unicode-identifier u&""""'],
      [
        "u&b u & c",
        "identifier u",
        "operator &",
        "identifier b",
        "identifier u",
        "operator &",
        "identifier c",
      ],
      ['"a', 'quoted-identifier! "a'],
      ['"a""', 'quoted-identifier! "a""'],
      ['U&"a', 'unicode-identifier! U&"a'],
    ],
    strings: [
      ["'a''b'''", "string 'a''b'''"],
      // A backslash is a character like others.
      ["'a\\' b", "string 'a\\'", "identifier b"],
      ["E'a\\'b' e'\\\\'", "escape-string E'a\\'b'", "escape-string e'\\\\'"],
      ["E'a''b'", "escape-string E'a''b'"],
      ["ae'\\'", "identifier ae", "string '\\'"],
      ["N'a' n'b'", "identifier N", "string 'a'", "identifier n", "string 'b'"],
      ["U&'\\0061' U&'a''b'", "unicode-string U&'\\0061'", "unicode-string U&'a''b'"],
      [
        "B'01' b'' X'1F' x'zz'",
        "bit-string B'01'",
        "bit-string b''",
        "bit-string X'1F'",
        "bit-string x'zz'",
      ],
      // A doubled quote has no meaning in a bit string.
      ["b'1''0'", "bit-string b'1'", "string '0'"],
      ["'a", "string! 'a"],
      ["'a''", "string! 'a''"],
      ["E'a\\'", "escape-string! E'a\\'"],
      ["E'a\\", "escape-string! E'a\\"],
      ["B'", "bit-string! B'"],
      ["U&'", "unicode-string! U&'"],
    ],
    "strings that go on in the next line": [
      ["'a'\n'b'", "string 'a'\n'b'"],
      ["'a' \t\r\n\n 'b'\n'c' d", "string 'a' \t\r\n\n 'b'\n'c'", "identifier d"],
      ["e'a'\n'\\''", "escape-string e'a'\n'\\''"],
      ["b'0'\n'1'", "bit-string b'0'\n'1'"],
      ["U&'a'\n'b'", "unicode-string U&'a'\n'b'"],
      ["'a' 'b'", "string 'a'", "string 'b'"],
      ["'a'\n\"b\"", "string 'a'", 'quoted-identifier "b"'],
      ["'a'\nE'b'", "string 'a'", "escape-string E'b'"],
      // PostgreSQL 15.18 answers `ab`; the oracle of the differential test knows comments otherwise.
      ["'a' -- c\n -- d\n 'b'", "string 'a' -- c\n -- d\n 'b'"],
      ["'a' /* c */\n 'b'", "string 'a'", "comment /* c */", "string 'b'"],
      ["'a' -- 'b'", "string 'a'", "comment -- 'b'"],
      ["'a'\n'b", "string! 'a'\n'b"],
      ["$$a$$\n'b'", "dollar-string $$a$$", "string 'b'"],
    ],
    "dollar quotes and parameters": [
      ["$$a'b$$", "dollar-string $$a'b$$"],
      ["$a$ $$ $b$ $a$c", "dollar-string $a$ $$ $b$ $a$", "identifier c"],
      ["$é9$;$é9$", "dollar-string $é9$;$é9$"],
      ["$a$b$A$ $a$", "dollar-string $a$b$A$ $a$"],
      ["$1 $23", "parameter $1", "parameter $23"],
      ["$1$a$;$a$", "parameter $1", "dollar-string $a$;$a$"],
      ["$1a", "parameter $1", "identifier a"],
      ["$a b", "punctuation $", "identifier a", "identifier b"],
      ["$a-$", "punctuation $", "identifier a", "operator -", "punctuation $"],
      ["$", "punctuation $"],
      ["$$a", "dollar-string! $$a"],
      ["$a$ $$", "dollar-string! $a$ $$"],
    ],
    numbers: [
      ["1 42. .5 1.5", "number 1", "number 42.", "number .5", "number 1.5"],
      ["1e5 1.5E-3 .5e+2 1.e1", "number 1e5", "number 1.5E-3", "number .5e+2", "number 1.e1"],
      ["0x1F 0Xf_f 0o17 0b0_1", "number 0x1F", "number 0Xf_f", "number 0o17", "number 0b0_1"],
      ["1_000 1_0.0_1e1_0", "number 1_000", "number 1_0.0_1e1_0"],
      ["0x_f", "number 0x_f"],
      ["1..2", "number 1", "punctuation ..", "number 2"],
      ["1.5.6", "number 1.5", "number .6"],
      ["-1", "operator -", "number 1"],
      ["a.1", "identifier a", "number .1"],
      // PostgreSQL refuses these since 15; before, a name followed.
      ["1a", "number 1", "identifier a"],
      ["1_ 1__0", "number 1", "identifier _", "number 1", "identifier __0"],
      ["0x 0b2", "number 0", "identifier x", "number 0", "identifier b2"],
      ["1e 1e+", "number 1", "identifier e", "number 1", "identifier e", "operator +"],
    ],
    "operators and punctuation": [
      ["a->>'b'", "identifier a", "operator ->>", "string 'b'"],
      [
        "<> != <= >= => :=",
        "operator <>",
        "operator !=",
        "operator <=",
        "operator >=",
        "operator =>",
        "punctuation :=",
      ],
      ["a::b", "identifier a", "punctuation ::", "identifier b"],
      [
        ":a [1:2]",
        "punctuation :",
        "identifier a",
        "punctuation [",
        "number 1",
        "punctuation :",
        "number 2",
        "punctuation ]",
      ],
      [
        "(a,b);",
        "punctuation (",
        "identifier a",
        "punctuation ,",
        "identifier b",
        "punctuation )",
        "separator ;",
      ],
      ["=-1", "operator =", "operator -", "number 1"],
      ["<+-+1", "operator <", "operator +", "operator -", "operator +", "number 1"],
      ["@-1", "operator @-", "number 1"],
      ["?-+", "operator ?-+"],
      ["+--a", "operator +", "comment --a"],
      ["@/*a*/b", "operator @", "comment /*a*/", "identifier b"],
      ["*/*a*/", "operator *", "comment /*a*/"],
      ["\\ { } \u0000", "punctuation \\", "punctuation {", "punctuation }", "punctuation \u0000"],
    ],
  };

for (const [title, cases] of Object.entries(groups)) {
  describe(title, () => {
    for (const [text, ...expected] of cases) {
      test(JSON.stringify(text), () => {
        expect(tokens(text)).toEqual(expected);
      });
    }
  });
}

describe("the current token", () => {
  test("is compared with a keyword without regard to the case of A to Z", () => {
    const lexer = new Lexer("BeGiN");

    lexer.next();

    expect([lexer.is("begin"), lexer.is("beg"), lexer.is("begins")]).toEqual([true, false, false]);
  });

  test("is no keyword in quotes, nor with a letter that only looks like one", () => {
    const words = ['"link"', "lin\u212a", "'link'"].map((text) => {
      const lexer = new Lexer(text);
      lexer.next();
      return lexer.is("link");
    });

    expect(words).toEqual([false, false, false]);
  });

  test("stays the end once the text is over", () => {
    const lexer = new Lexer("a");

    const kinds = [lexer.next(), lexer.next(), lexer.next()];

    expect(kinds).toEqual(["identifier", "end", "end"]);
  });

  test("is looked for from a given offset on", () => {
    const lexer = new Lexer("select 'a' /* b */ from c", 7);

    const kinds = [lexer.nextSignificant(), lexer.nextSignificant()];

    expect([...kinds, lexer.slice()]).toEqual(["string", "identifier", "from"]);
  });
});
