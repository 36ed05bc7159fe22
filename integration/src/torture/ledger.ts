/** What somebody was told of a thing that is stored whole or not at all. */
export type Told = "pending" | "stored" | "undone" | "unknown";

/** Something that a unit did, and what it was told of it. */
export interface Entry {
  told: Told;
  /** What it writes itself: numbers of invoices, texts of lines. */
  readonly parts: readonly string[];
  /** A counter that it counts up. */
  readonly counter?: number;
  /** Stored by itself, whatever becomes of what it stands in. */
  readonly isOwn: boolean;
  readonly inside: Entry[];
}

/** What has to be in the tables when everything has ended. */
export interface Expected {
  readonly present: Set<string>;
  readonly absent: Set<string>;
  /** Each of them wholly there or wholly not. */
  readonly groups: (readonly string[])[];
  /** Acknowledged and unknown increments by counter. */
  readonly counted: Map<number, { stored: number; unknown: number }>;
}

/** Nothing is expected yet. */
export function nothingExpected(): Expected {
  return { present: new Set(), absent: new Set(), groups: [], counted: new Map() };
}

/** An entry of which nothing is told yet. */
export function newEntry(more: Partial<Omit<Entry, "told" | "inside">> = {}): Entry {
  return { parts: [], isOwn: false, ...more, told: "pending", inside: [] };
}

/**
 * Adds what follows from what a unit was told. In a transaction that was undone nothing is stored,
 * whatever was told of a statement in it; in one that nobody knows of, all of it is or nothing.
 */
export function expect(expected: Expected, entry: Entry): void {
  const group: string[] = [];
  add(expected, entry, entry.told, group);
  if (group.length > 0) expected.groups.push(group);
}

function add(expected: Expected, entry: Entry, became: Told, group: string[]): void {
  const { parts, counter, inside } = entry;
  if (became === "unknown") group.push(...parts);
  else for (const part of parts) expected[became === "stored" ? "present" : "absent"].add(part);
  if (counter !== undefined && (became === "stored" || became === "unknown")) {
    const counts = expected.counted.get(counter) ?? { stored: 0, unknown: 0 };
    counts[became] += 1;
    expected.counted.set(counter, counts);
  }
  for (const inner of inside) {
    if (inner.isOwn || became === "stored") expect(expected, inner);
    else add(expected, inner, inner.told === "stored" ? became : "undone", group);
  }
}
