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

function isMisread(name: string, text: string): boolean {
  return MISREAD[name]?.isAt(text) === true;
}

/** How the server says that it reads the texts of one session. */
export class Reading {
  readonly #misread = new Set<string>();
  #isTold = false;

  /** `onMisread` is called with a parameter by which texts may be read otherwise from now on. */
  constructor(client: PgClient, onMisread: (parameter: string) => void) {
    client.connection.on("parameterStatus", (message: unknown) => {
      const { parameterName: name, parameterValue: value } = Object(message);
      if (!Object.hasOwn(MISREAD, name)) return;
      if (hidesTexts(name, String(value))) {
        this.#misread.add(name);
        onMisread(name);
      } else {
        this.#misread.delete(name);
      }
    });
  }

  /** What is wrong with a text in this session, if anything is. */
  findingOf(text: string): StatementFinding | undefined {
    for (const name of this.#misread) if (isMisread(name, text)) return MISREAD[name]?.finding;
    return undefined;
  }

  /** True the first time that it is asked. */
  isToTell(): boolean {
    const isFirst = !this.#isTold;
    this.#isTold = true;
    return isFirst;
  }
}

/**
 * Follows how servers say that they read the texts of the sessions of one guarded module, whoever has set it so:
 * a default of the role or the database, a function. What the text of a statement sets is refused before
 * (`session-state/no-set`).
 */
export class Readings {
  readonly #ofClients = new WeakMap<PgClient, Reading>();
  /** Parameters that were ever reported so: what one session has by default the next one will have. */
  readonly #seen = new Set<string>();

  /** From before its login. */
  follow(client: PgClient): void {
    this.#ofClients.set(client, new Reading(client, (parameter) => this.#seen.add(parameter)));
    followed.set(client, this);
  }

  /** False until any session was reported so: then nothing is asked of any. */
  get areOdd(): boolean {
    return this.#seen.size > 0;
  }

  of(client: PgClient): Reading | undefined {
    return this.#ofClients.get(client);
  }

  /** Whether a session that has not said it yet may take a text for another. */
  mayMisread(text: string): boolean {
    for (const name of this.#seen) if (isMisread(name, text)) return true;
    return false;
  }
}

const followed = new WeakMap<PgClient, Readings>();

/** Whether a text has to wait until the server has said how it reads texts, and may not travel with the login. */
export function mayBeMisread(client: PgClient, text: string): boolean {
  return followed.get(client)?.mayMisread(text) === true;
}
