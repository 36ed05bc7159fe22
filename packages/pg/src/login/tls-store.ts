import tls, { type SecureContext } from "node:tls";

import { now } from "../clock.ts";
import { recentMap } from "./recent.ts";
import { areSame, optionsOfContext, optionsOfSocket, readTlsOptions } from "./tls-options.ts";

/** A TLS session that can be resumed, and when its server's certificate was last verified. */
export interface KnownSession {
  readonly session: Buffer;
  /** Of {@link now}. */
  readonly verifiedAt: number;
}

/** What the connections of one set of TLS options share. */
export interface TlsProfile {
  readonly verifiesName: boolean;
  /** What `tls.connect()` takes beside the context. */
  readonly options: object;
  /** Made once. Throws what Node throws at a key or a certificate that it cannot read. */
  context(): SecureContext;
  /** The last session of a server, unless it is over an hour old or its server has refused two in a row. */
  offer(server: string): KnownSession | undefined;
  /** Only of a connection that was verified as its options ask. */
  keep(server: string, session: KnownSession): void;
  /** A handshake that was offered a session has ended: in a connection, or not. */
  resumed(server: string, isDone: boolean): void;
}

/** What the TLS connections of this process share. */
export interface TlsStore {
  /**
   * By every option, by what they leave to Node, and by the class that connects (pg's versions check
   * different names). `undefined` for options that cannot be compared.
   */
  profileOf(ssl: unknown, Connection: object): TlsProfile | undefined;
}

const MAX_PROFILES = 20;
const MAX_SERVERS = 50;

/** A certificate is looked at again at least this often: a resumed session does not show it. */
const MAX_AGE_MS = 3_600_000;

/** Refusals in a row after which a server is not offered a session for {@link MAX_AGE_MS}. */
const MAX_REFUSALS = 2;

/**
 * Contexts and sessions of at most 20 sets of options. Making a context takes up to a fifth of a TLS
 * connect, and a resumed handshake half of a whole one (measured: PgBouncer 1.24.1 resumed 336 of 336).
 */
export function tlsStore(): TlsStore {
  const known: { readonly Connection: object; readonly profile: TlsProfile; readonly key: Key }[] =
    [];
  return {
    profileOf(ssl, Connection) {
      const key = readTlsOptions(ssl);
      if (key === undefined) return undefined;
      const index = known.findIndex(
        (each) => each.Connection === Connection && areSame(each.key, key),
      );
      const [found] = index === -1 ? [] : known.splice(index, 1);
      const entry = found ?? { Connection, key, profile: profileOf(key) };
      known.unshift(entry);
      if (known.length > MAX_PROFILES) known.pop();
      return entry.profile;
    },
  };
}

type Key = NonNullable<ReturnType<typeof readTlsOptions>>;

function profileOf(key: Key): TlsProfile {
  let made: SecureContext | undefined;
  const sessions = recentMap<string, KnownSession>(MAX_SERVERS);
  const refusals = recentMap<string, { readonly count: number; readonly at: number }>(MAX_SERVERS);
  return {
    verifiesName: key.verifiesName,
    options: optionsOfSocket(key),
    context: () => (made ??= tls.createSecureContext(optionsOfContext(key))),
    offer(server) {
      const session = sessions.get(server);
      const refused = refusals.get(server);
      if (refused !== undefined && now() - refused.at > MAX_AGE_MS) refusals.delete(server);
      else if (refused !== undefined && refused.count >= MAX_REFUSALS) return undefined;
      if (session === undefined) return undefined;
      if (now() - session.verifiedAt <= MAX_AGE_MS) return session;
      sessions.delete(server);
      return undefined;
    },
    keep: (server, session) => sessions.set(server, session),
    resumed(server, isDone) {
      if (isDone) {
        refusals.delete(server);
        return;
      }
      sessions.delete(server);
      refusals.set(server, { count: (refusals.get(server)?.count ?? 0) + 1, at: now() });
    },
  };
}
