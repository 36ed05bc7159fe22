import { hidesTexts, type LaneInUse, PolicyError } from "@doorpolicy/core";

import { entryOf } from "../config/entry.ts";
import { acceptsStartup, type HandedLimits } from "../config/index.ts";
import {
  formatStartupOptions,
  LIMIT_PARAMETERS,
  limitFromPgValue,
  limitFromServerText,
  parseStartupOptions,
} from "../config/startup-options.ts";

/** What is known about one parameter of a startup packet. */
export interface StartupFinding {
  /** As the server knows it; `options` for a command line that cannot be read. */
  readonly name: string;
  /** The key of the packet that carries it: its own name, or `options`. */
  readonly carrier: string;
  /** The pooler takes it, and texts could not be judged by what they show. */
  readonly hidesTexts?: boolean;
}

/** A startup packet, sorted by what the lane makes of it. */
export interface StartupVerdict {
  /** What the pooler takes and applies. */
  readonly packet: Readonly<Record<string, string>>;
  /** Limits that travel with BEGIN instead. */
  readonly limits: HandedLimits;
  readonly translated: readonly StartupFinding[];
  /** What the pooler would refuse, or take and drop, and nothing can stand in for. */
  readonly refused: readonly StartupFinding[];
}

/** Who and where: every server takes these. */
const ALWAYS: ReadonlySet<string> = new Set(["user", "database", "application_name"]);

/** True for a packet that nothing has to be judged in: nearly every one. */
export function saysOnlyWho(packet: Readonly<Record<string, string | undefined>>): boolean {
  for (const name in packet) if (!ALWAYS.has(name)) return false;
  return true;
}

/** Sorts what pg is about to send, after it has merged URL, environment and options. Pure. */
export function judgeStartup(
  packet: Readonly<Record<string, string | undefined>>,
  lane: LaneInUse,
): StartupVerdict {
  const draft: Draft = { packet: {}, limits: {}, translated: [], refused: [] };
  for (const [name, value] of Object.entries(packet)) {
    if (value === undefined) continue;
    if (hidesTextsOf(lane, name, value))
      draft.refused.push({ name, carrier: name, hidesTexts: true });
    else if (ALWAYS.has(name) || acceptsStartup(lane, name)) draft.packet[name] = value;
    else if (name !== "options" && !translate(draft, name, name, limitFromPgValue(value)))
      draft.refused.push({ name, carrier: name });
  }
  const { options } = packet;
  // Last, wherever it stands: a limit of its own beats the one in `options`, as in Postgres.
  if (options !== undefined && !acceptsStartup(lane, "options")) {
    judgeOptions(options, lane, draft, new Set(Object.keys(draft.limits)));
  }
  return draft;
}

interface Draft {
  packet: Record<string, string>;
  limits: Record<string, number>;
  translated: StartupFinding[];
  refused: StartupFinding[];
}

function judgeOptions(
  text: string,
  lane: LaneInUse,
  draft: Draft,
  settled: ReadonlySet<string>,
): void {
  const settings = parseStartupOptions(text);
  if (settings === undefined) {
    draft.refused.push({ name: "options", carrier: "options" });
    return;
  }
  const kept = settings.filter(({ name, value }) => {
    if (isName(name)) return false;
    if (hidesTextsOf(lane, name, value)) {
      draft.refused.push({ name, carrier: "options", hidesTexts: true });
      return false;
    }
    if (lane.has("parses-options") && acceptsStartup(lane, name)) return true;
    const isLimit = translate(draft, name, "options", limitFromServerText(value), settled);
    if (!isLimit) draft.refused.push({ name, carrier: "options" });
    return false;
  });
  if (kept.length > 0) draft.packet["options"] = formatStartupOptions(kept);
}

/** PgBouncer does not say at the login what a client has set there (measured with 1.24). */
function hidesTextsOf(lane: LaneInUse, name: string, value: string): boolean {
  return !lane.has("session-state") && hidesTexts(name, value);
}

/**
 * The text of `options` without a name of the connection, in any spelling: PgBouncer takes the last
 * one that it reads (measured on 1.24 and 1.26). `undefined` when nothing is left.
 */
export function withoutName(options: string | undefined): string | undefined {
  const settings = options === undefined ? undefined : parseStartupOptions(options);
  const kept = settings?.filter(({ name }) => !isName(name));
  if (settings === undefined || kept?.length === settings.length) return options;
  return kept === undefined || kept.length === 0 ? undefined : formatStartupOptions(kept);
}

function isName(parameter: string): boolean {
  return parameter.toLowerCase() === "application_name";
}

function translate(
  draft: Draft,
  name: string,
  carrier: string,
  milliseconds: number | undefined,
  settled: ReadonlySet<string> = new Set(),
): boolean {
  const key = entryOf(LIMIT_PARAMETERS, name);
  if (key === undefined || milliseconds === undefined) return false;
  if (!settled.has(key)) draft.limits[key] = milliseconds;
  draft.translated.push({ name, carrier });
  return true;
}

/**
 * The parameter whose value would end the packet's text early: a NUL byte in it would add startup
 * parameters of the caller's choice. Other control characters end nothing; in `options` they are blanks.
 */
export function brokenParameter(
  packet: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return Object.entries(packet).find(([, value]) => value?.includes("\0"))?.[0];
}

/** Why a connection is refused before a socket is opened. Holds names, never values. */
export function startupRefusal(finding: StartupFinding, path: string): PolicyError {
  const { name, carrier } = finding;
  const as = carrier === name ? "" : ` inside \`${carrier}\``;
  const outcome = finding.hidesTexts
    ? "the server reads strings otherwise with it than statements are judged"
    : "the pooler refuses the connection or drops the setting";
  return new PolicyError(
    "startup/refused",
    `\`${name}\`${as} at \`${path}\` goes out in the startup packet, and ${outcome}.`,
    { path, hint: helpFor(finding) },
  );
}

/** What to do about a parameter that may not go out; one imperative sentence. */
export function helpFor({ name, hidesTexts: isHiding }: StartupFinding): string {
  if (isHiding) return "Remove it, and write a string with escapes as `E'…'` or bind it.";
  if (name === "search_path") {
    return "Qualify table names, set it with `ALTER ROLE … SET search_path`, or use the direct lane.";
  }
  if (name === "replication") return "Use the direct lane for replication.";
  if (name === "options") return "Remove what is not `-c name=value`, or use the direct lane.";
  return `Set it with \`ALTER ROLE … SET ${name}\`, or use the direct lane.`;
}
