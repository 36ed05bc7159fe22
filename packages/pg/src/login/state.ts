import { sharedState } from "../registry.ts";
import type { LoginTarget } from "../driver/pg-login.ts";
import { type Recent, recentMap } from "./recent.ts";
import { type ScramKeys, scramKeys } from "./scram-keys.ts";
import { type SaltWatch, saltWatch } from "./salt-watch.ts";
import { type TlsStore, tlsStore } from "./tls-store.ts";

/**
 * What the logins of a process share, whichever copy of this package makes them. Keys and sessions are in
 * closures, where neither `util.inspect` nor `JSON.stringify` gets.
 */
export interface LoginState {
  readonly keys: ScramKeys;
  readonly salts: SaltWatch;
  readonly tls: TlsStore;
  /** Where the last login was by SCRAM-SHA-256, by {@link targetKey}. */
  readonly scramTargets: Recent<string, true>;
  /** What was said of a target of a policy at a server. */
  readonly said: Set<string>;
}

/** The one of this process. */
export function loginState(): LoginState {
  const shared = sharedState();
  return (shared.login ??= {
    keys: scramKeys(),
    salts: saltWatch(),
    tls: tlsStore(),
    scramTargets: recentMap(100),
    said: new Set(),
  });
}

/** A key of {@link LoginState.scramTargets}. */
export function targetKey({ host, port, user, database }: LoginTarget): string {
  return JSON.stringify([host, port, user, database]);
}
