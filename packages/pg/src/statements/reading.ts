import { hidesTexts, type StatementFinding } from "@doorpolicy/core";

import type { PgClient } from "../driver/pg-internals.ts";

const NO_SET = { rule: "session-state/no-set", level: "refuse", effect: undefined } as const;

/** By the parameter that the server reports: which texts it may read as another than they show. */
const MISREAD: Readonly<
  Record<string, { readonly isAt: (text: string) => boolean; readonly finding: StatementFinding }>
> = {
  standard_conforming_strings: {
    isAt: (text) => text.includes("\\"),
    finding: {
      ...NO_SET,
      message:
        "The session has `standard_conforming_strings` at anything but `on`: with a backslash in the statement, a string of it need not end where it seems to.",
      help: "Bind the value, or turn it on for the role (`ALTER ROLE … SET standard_conforming_strings = on`).",
    },
  },
  client_encoding: {
    // A backslash can be half of a character, and two characters of UTF-8 one and the same.
    isAt: (text) => /[^\0-\u007f]/.test(text),
    finding: {
      ...NO_SET,
      message:
        "The session has another `client_encoding` than UTF-8, in which the driver sends it: the server reads other characters than the statement has.",
      help: "Look for the function that sets it, and let it set `UTF8` again.",
    },
  },
};

/**
 * Follows how a server says that it reads the texts of a session, whoever has set it so: a default of the
 * role or the database, a function. What the text of a
 * statement sets is refused before (`session-state/no-set`).
 */
export class Reading {
  readonly #misread = new Set<string>();

  /** `onMisread` is called when texts may be read otherwise from now on. */
  constructor(client: PgClient, onMisread: () => void) {
    client.connection.on("parameterStatus", (message: unknown) => {
      const { parameterName: name, parameterValue: value } = Object(message);
      if (!Object.hasOwn(MISREAD, name)) return;
      if (hidesTexts(name, String(value))) {
        this.#misread.add(name);
        onMisread();
      } else {
        this.#misread.delete(name);
      }
    });
  }

  /** What is wrong with a text in this session, if anything is. */
  findingOf(text: string): StatementFinding | undefined {
    for (const name of this.#misread) {
      if (MISREAD[name]?.isAt(text) === true) return MISREAD[name].finding;
    }
    return undefined;
  }
}
