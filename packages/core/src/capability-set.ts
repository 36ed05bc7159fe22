import type { Capability } from "./capability.ts";

const WITH_PARAMETER = [
  "accepts-startup-parameter:",
  "ignores-startup-parameter:",
  "tracks-parameter:",
] as const;

/**
 * Capabilities that cannot be changed. Answers for parameter names in any case, as Postgres does,
 * and for what follows from a capability: who lets Postgres read the startup packet accepts every
 * parameter, who keeps session state keeps every `SET`.
 */
export class CapabilitySet implements ReadonlySet<Capability> {
  readonly #items: ReadonlySet<Capability>;

  constructor(items: Iterable<Capability>) {
    this.#items = new Set(Array.from(items, canonical));
    Object.freeze(this);
  }

  get size(): number {
    return this.#items.size;
  }

  has(capability: Capability): boolean {
    return (
      this.#items.has(canonical(capability)) ||
      (capability.startsWith("accepts-startup-parameter:") &&
        this.#items.has("applies-any-startup-parameter")) ||
      (capability.startsWith("tracks-parameter:") && this.#items.has("session-state"))
    );
  }

  forEach(visit: (value: Capability, key: Capability, set: ReadonlySet<Capability>) => void): void {
    for (const item of this.#items) visit(item, item, this);
  }

  entries(): SetIterator<[Capability, Capability]> {
    return this.#items.entries();
  }

  keys(): SetIterator<Capability> {
    return this.#items.keys();
  }

  values(): SetIterator<Capability> {
    return this.#items.values();
  }

  [Symbol.iterator](): SetIterator<Capability> {
    return this.#items.values();
  }
}

/** Parameter names are kept in lower case. */
function canonical(capability: Capability): Capability {
  for (const prefix of WITH_PARAMETER) {
    if (capability.startsWith(prefix)) {
      return `${prefix}${capability.slice(prefix.length).toLowerCase()}`;
    }
  }
  return capability;
}
