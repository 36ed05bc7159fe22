import { PolicyError } from "../errors.ts";
import { HASH_LENGTH, shortHash } from "./hash.ts";

/** What a naming template may ask for. */
export type Placeholder = "app" | "user" | "host" | "pod" | "env" | "pid";

/** Every placeholder, for validation and messages. */
export const PLACEHOLDERS: readonly Placeholder[] = ["app", "user", "host", "pod", "env", "pid"];

/** The parts of a name by placeholder. */
export type NameParts = Readonly<Partial<Record<Placeholder, string>>>;

/** A name taken apart again. */
export interface ParsedName {
  readonly parts: NameParts;
  /** True when a part was cut to fit, or stands for a text with other characters. */
  readonly shortened: boolean;
  /** `ip:port` of the client, where PgBouncer's `application_name_add_host` has added it. */
  readonly clientAddress?: string;
}

/** `NAMEDATALEN - 1`: PostgreSQL cuts a longer name, and two services become one. */
const MAX_NAME_BYTES = 63;

/** Ends a part that is not whole; canonical parts never contain it. */
const CUT = "..";

/** All that a name may consist of. It survives Postgres, PgBouncer, URLs and Prisma's schema engine unquoted. */
const OUTSIDE = /[^A-Za-z0-9._@:/-]/u;

const CUT_PART = new RegExp(`^(.*?)\\.\\.(?:[0-9a-v]{${HASH_LENGTH}})?$`, "u");

/** PgBouncer appends ` - 10.0.0.7:41732` or ` - unix(4711)@…:6432`; no name of ours has a blank. */
const ADDED_HOST = /^(?<name>[^ ]+) - (?<address>[^ ]+)$/u;

interface Slot {
  readonly placeholder: Placeholder;
  /** The text between this placeholder and the next one, or the end. */
  readonly after: string;
  /** The character that ends this part; the part may not contain it. `""` for the last one. */
  readonly end: string;
}

interface Template {
  readonly before: string;
  readonly slots: readonly [Slot, ...Slot[]];
  readonly literalBytes: number;
}

/** One part on its way into a name. */
interface Stem {
  readonly text: string;
  /** Set when `text` does not say everything that the part said. */
  readonly hash: string;
}

/**
 * Makes a name of a template and its parts: printable ASCII, at most 63 bytes, never empty.
 *
 * A part in the canonical alphabet (`[A-Za-z0-9._@:/-]` without the character that ends it in the
 * template and without `..`) is taken as it is. Other characters are folded to ASCII or become `-`,
 * and `..` with eight characters of hash is added, so that two parts that differ stay different.
 * A name that is too long loses the end of its longest parts in the same way. A part that is not
 * given is `unknown`.
 *
 * @throws PolicyError `naming/invalid` when the template is none.
 */
export function formatName(template: string, parts: NameParts): string {
  const { before, slots, literalBytes } = readTemplate(template);
  const stems = slots.map((slot) => stemOf(parts[slot.placeholder] ?? "", slot.end));
  const whole = assemble(
    before,
    slots,
    stems.map((stem) => stem.text + (stem.hash && CUT + stem.hash)),
  );
  if (whole.length <= MAX_NAME_BYTES) return whole;

  const hash = shortHash(slots.map((slot) => parts[slot.placeholder] ?? "").join("\0"));
  const longest = stems.reduce(
    (best, stem, index) => (stem.text.length > (stems[best]?.text.length ?? 0) ? index : best),
    0,
  );
  const cutTo = (cap: number): string[] =>
    stems.map((stem, index) => {
      if (index === longest) return stem.text.slice(0, cap) + CUT + hash;
      return stem.text.length > cap || stem.hash !== "" ? stem.text.slice(0, cap) + CUT : stem.text;
    });
  let cap = MAX_NAME_BYTES - literalBytes;
  let cut = cutTo(cap);
  while (cap > 1 && assemble(before, slots, cut).length > MAX_NAME_BYTES) cut = cutTo(--cap);
  return assemble(before, slots, cut);
}

/**
 * Takes a name apart by its template; the inverse of {@link formatName} for canonical parts.
 * `undefined` when the name is not of this template.
 *
 * @throws PolicyError `naming/invalid` when the template is none.
 */
export function parseName(template: string, text: string): ParsedName | undefined {
  const { before, slots } = readTemplate(template);
  const added = ADDED_HOST.exec(text)?.groups;
  let rest = added?.["name"] ?? text;
  if (OUTSIDE.test(rest) || !rest.startsWith(before)) return undefined;
  rest = rest.slice(before.length);

  const parts: Partial<Record<Placeholder, string>> = {};
  let shortened = false;
  for (const { placeholder, after, end } of slots) {
    const length = end === "" ? rest.length - after.length : rest.indexOf(end);
    if (length <= 0 || !rest.startsWith(after, length)) return undefined;
    const part = rest.slice(0, length);
    rest = rest.slice(length + after.length);
    const cut = CUT_PART.exec(part);
    if (cut === null && part.includes(CUT)) return undefined;
    if (cut !== null) shortened = true;
    parts[placeholder] = cut?.[1] ?? part;
  }
  const address = added?.["address"];
  return address === undefined
    ? { parts, shortened }
    : { parts, shortened, clientAddress: address };
}

/** What is wrong with a template, as the second half of a sentence; `undefined` for a good one. */
export function problemOfTemplate(template: string): string | undefined {
  const pieces = template.split(/\{([^{}]*)\}/u);
  const literals = pieces.filter((_, index) => index % 2 === 0);
  const names = pieces.filter((_, index) => index % 2 === 1);
  const unknown = names.find((name) => !PLACEHOLDERS.some((known) => known === name));
  if (unknown !== undefined) {
    return `asks for \`{${unknown}}\`; known are ${PLACEHOLDERS.map((name) => `\`{${name}}\``).join(", ")}`;
  }
  if (literals.some((literal) => OUTSIDE.test(literal))) {
    return "may hold letters, digits and `._@:/-` beside its placeholders, and nothing else";
  }
  if (!names.includes("app")) return "must hold `{app}`, or every service has the same name";
  if (new Set(names).size < names.length) return "may hold a placeholder only once";
  if (literals.slice(1, -1).some((literal) => !/^[@:/_-]/u.test(literal))) {
    return "needs one of `@:/_-` directly after each placeholder that another one follows, or the parts cannot be told apart";
  }
  // Each part keeps at least one character and its mark of having been cut.
  const room = MAX_NAME_BYTES - names.length * (1 + CUT.length) - HASH_LENGTH;
  if (literals.join("").length > room) {
    return `leaves no room for its parts: PostgreSQL keeps ${MAX_NAME_BYTES} bytes of a name`;
  }
  return undefined;
}

function readTemplate(template: string): Template {
  const problem = problemOfTemplate(template);
  if (problem !== undefined) {
    throw new PolicyError("naming/invalid", `The name's template ${problem}.`, {
      hint: 'Set `naming.template` to a text such as "{app}:{user}@{host}".',
      path: "naming.template",
    });
  }
  const pieces = template.split(/\{([^{}]*)\}/u);
  const before = pieces[0] ?? "";
  const slots: Slot[] = [];
  let literalBytes = before.length;
  for (let index = 1; index < pieces.length; index += 2) {
    const placeholder = PLACEHOLDERS.find((known) => known === pieces[index]) ?? "app";
    const after = pieces[index + 1] ?? "";
    const isLast = index + 2 >= pieces.length;
    slots.push({ placeholder, after, end: isLast ? "" : after.charAt(0) });
    literalBytes += after.length;
  }
  const [first, ...others] = slots;
  if (first === undefined) throw new TypeError("A checked template has a placeholder.");
  return { before, slots: [first, ...others], literalBytes };
}

function assemble(before: string, slots: readonly Slot[], parts: readonly string[]): string {
  return before + slots.map((slot, index) => (parts[index] ?? "") + slot.after).join("");
}

function stemOf(part: string, end: string): Stem {
  const folded = fold(part, end);
  const text = folded === "" ? "unknown" : folded;
  // An absent part and a part that says `unknown` mean the same: nobody knows.
  return { text, hash: folded === part ? "" : shortHash(part) };
}

/** Letters lose their accents, everything else outside the alphabet becomes one `-` a run. */
function fold(part: string, end: string): string {
  const filler = end === "-" ? "_" : "-";
  const ascii = part.normalize("NFKD").replaceAll(/\p{M}+/gu, "");
  const inside = ascii.replaceAll(/[^A-Za-z0-9._@:/-]+/gu, filler).replaceAll(/\.{2,}/gu, ".");
  return end === "" ? inside : inside.replaceAll(end, filler);
}
