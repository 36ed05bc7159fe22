import type { Policies } from "./policies.ts";

/** A file in the middle of being judged. */
export interface FileInHand {
  /** Absolute. */
  readonly path: string;
  /** As reports call it. */
  readonly shown: string;
  readonly text: string;
  readonly cwd: string;
  readonly policies: Policies;
}
