import type { NamingPolicy } from "../policy.ts";
import type { ProcessContext } from "../process-context.ts";
import { namePartsOf } from "./parts.ts";
import { formatName, parseName, type NameParts } from "./template.ts";

/** The name that each physical connection of a process carries. */
export interface ConnectionName {
  /** `application_name`: printable ASCII, 1 to 63 bytes. */
  readonly text: string;
  /** What it was made from; reads names of other processes of the same policy. */
  readonly template: string;
  /** The parts as they stand in `text`. */
  readonly parts: NameParts;
  /** True when a part was cut to fit, or stands for a text with other characters. */
  readonly shortened: boolean;
}

/** A naming policy with its template decided. */
export type CompleteNaming = NamingPolicy & { readonly template: string };

/**
 * Names the connections of this process. The same inputs give the same name; inputs that differ in
 * a part of the template give names that differ.
 *
 * @throws PolicyError `naming/invalid` when the template is none.
 */
export function nameConnection(naming: CompleteNaming, context: ProcessContext): ConnectionName {
  const text = formatName(naming.template, namePartsOf(naming, context));
  const { parts, shortened } = parseName(naming.template, text) ?? { parts: {}, shortened: true };
  return Object.freeze({ text, template: naming.template, parts: Object.freeze(parts), shortened });
}
