const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** A connection URL that no message, log or `util.inspect` can show by accident. */
export class SecretUrl {
  static {
    // A computed name in the class would keep its declaration from being made file by file.
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: SecretUrl): string {
        return this.toString();
      },
    });
  }

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
}
