import type { Measured } from "./method/rounds.ts";

/** What a family's process is asked for. */
export interface Request {
  readonly family: string;
  /** Figures whose names begin so; every one when it is left out. */
  readonly only?: string;
  readonly quick: boolean;
  readonly allowDownload: boolean;
}

/** What it answers, one at a time, as it gets on. */
export type Answer =
  | { readonly kind: "measured"; readonly name: string; readonly measured: Measured }
  | { readonly kind: "skipped"; readonly name: string; readonly reason: string }
  | { readonly kind: "versions"; readonly versions: Readonly<Record<string, string>> }
  | { readonly kind: "failed"; readonly error: string };
