import { type Stats, statSync } from "node:fs";

import { wallClock } from "../clock.ts";
import { copyPoolConfig, type PoolConfigInput } from "../config/index.ts";
import { tlsOptionsOf } from "../driver/pg-login.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { recentMap } from "./recent.ts";

/** A config whose URL names files, for one connection. */
interface ReadConfig {
  /** For pg: as it was given, or with what was read of the files before. */
  readonly config: PoolConfigInput;
  /** Keeps what pg has read for this client, unless it was known. */
  readonly remember: (client: PgClient) => void;
}

/** Finds what was read before. `undefined` for a config whose URL names no files. */
export type TlsFiles = (config: PoolConfigInput) => ReadConfig | undefined;

/** Parameters of a URL that name files, which pg-connection-string reads at each connection. */
const FILES: ReadonlySet<string> = new Set(["sslcert", "sslkey", "sslrootcert"]);

const NAMES_FILES = /[?&]ssl(?:cert|key|rootcert)=/;

/** What else decides its `ssl`. */
const MODES: ReadonlySet<string> = new Set(["ssl", "sslmode", "uselibpqcompat"]);

/** A file that was written so lately may be written again without its time showing it. */
const SETTLED_MS = 2_000;

/** A URL with one of these is repaired as a whole by pg-connection-string: no part can be left out. */
const REPAIRED = / |%[^a-f0-9]|%[a-f0-9][^a-f0-9]/i;

/**
 * Reads the files that a URL names once per change and not per connection: 0.06 ms of a blocked process
 * for a CA of one certificate, 0.6 ms for a bundle of a hundred (pg 8.23, a busy machine). For one pg, whose URL parser
 * is its own; at most 20 URLs.
 */
export function tlsFiles(): TlsFiles {
  const known = recentMap<string, Known>(20);
  return (config) => {
    const url = urlOf(config);
    if (url === undefined || !NAMES_FILES.test(url)) return undefined;
    const found = known.get(url);
    const parts = found?.parts ?? split(url);
    const stamp = parts && stampOf(parts.files);
    if (parts === undefined || stamp === undefined) return undefined;
    if (found?.stamp === stamp) {
      const replaced = { connectionString: parts.rest, ssl: copyOf(found.ssl) };
      return { config: copyPoolConfig(config, replaced), remember: () => undefined };
    }
    const remember = (client: PgClient): void =>
      known.set(url, { parts, stamp, ssl: copyOf(tlsOptionsOf(client)) });
    return { config, remember };
  };
}

interface Parts {
  readonly files: readonly string[];
  /** The URL without anything about TLS. */
  readonly rest: string;
}

interface Known {
  readonly parts: Parts;
  /** The state of the files before they were read. */
  readonly stamp: string;
  readonly ssl: unknown;
}

function urlOf(config: PoolConfigInput): string | undefined {
  const url: unknown =
    typeof config === "object" ? Reflect.get(config, "connectionString") : config;
  return typeof url === "string" ? url : undefined;
}

/** `undefined` for a URL of which no part can be left out. */
function split(url: string): Parts | undefined {
  // Direct TLS is on by itself where a URL says nothing else.
  if (/#|sslnegotiation/.test(url) || REPAIRED.test(url)) return undefined;
  const at = url.indexOf("?");
  const files: string[] = [];
  const kept = url
    .slice(at + 1)
    .split("&")
    .filter((parameter) => {
      const [[name, value] = ["", ""]] = new URLSearchParams(parameter);
      if (FILES.has(name) && value !== "") files.push(value);
      return !FILES.has(name) && !MODES.has(name);
    });
  return { files, rest: `${url.slice(0, at)}?${kept.join("&")}` };
}

/** Which files these are, in which state; `undefined` where that is not certain. */
function stampOf(files: readonly string[]): string | undefined {
  const stamps: string[] = [];
  for (const file of files) {
    const state = stateOf(file);
    if (state === undefined || wallClock() - state.ctimeMs < SETTLED_MS) return undefined;
    stamps.push(
      `${file} ${state.dev} ${state.ino} ${state.size} ${state.mtimeMs} ${state.ctimeMs}`,
    );
  }
  return stamps.join("\n");
}

/** `undefined` for a file that cannot be looked at: pg says what is wrong with it. */
function stateOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/** With its hidden `key`; each client has its own, which it may change. */
function copyOf(ssl: unknown): unknown {
  if (typeof ssl !== "object" || ssl === null) return ssl;
  return Object.defineProperties({}, Object.getOwnPropertyDescriptors(ssl));
}
