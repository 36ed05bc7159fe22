const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** A connection URL that no message, log or `util.inspect` can show by accident. */
export class SecretUrl {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The URL itself, password included. For the driver only. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[connection URL]";
  }

  toJSON(): string {
    return this.toString();
  }

  [INSPECT](): string {
    return this.toString();
  }
}
