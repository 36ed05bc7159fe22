import { hash, randomBytes } from "node:crypto";

import { recentMap } from "./recent.ts";

/** Who has logged in, where. */
interface LoginIdentity {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Notices servers that send another salt at each login. */
export interface SaltWatch {
  /** Takes note of the salt of a login that has succeeded. True from the third different one on. */
  note(identity: LoginIdentity, salt: string): boolean;
}

/** A verifier has one salt. A second one may come of a changed password that was changed back. */
const CHANGING_FROM = 3;

/**
 * PgBouncer with plain-text passwords in `auth_file` makes a verifier with a new salt for every login
 * (measured: 5 of 5), which no client can have the keys of, at 22 times its own CPU per connect.
 */
export function saltWatch(): SaltWatch {
  const own = randomBytes(32).toString("base64");
  const seen = recentMap<string, ReadonlySet<string>>(100);
  return {
    note({ host, port, user, password }, salt) {
      const digest = hash("sha256", JSON.stringify([own, host, port, user, password]), "base64");
      const salts = seen.get(digest) ?? new Set();
      if (salts.size >= CHANGING_FROM) return true;
      if (salts.has(salt)) return false;
      seen.set(digest, new Set([...salts, salt]));
      return salts.size + 1 >= CHANGING_FROM;
    },
  };
}
