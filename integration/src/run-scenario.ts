import { AssertionError } from "node:assert/strict";
import { inspect } from "node:util";
import type { LaneChoice, Violation } from "@doorpolicy/core";
import { startFaultProxy } from "@doorpolicy/testbed";
import type { ClientUnderTest, OpenClient, OpenOptions } from "./client.ts";
import { setPatience, within } from "./expect.ts";
import { startOwnProcess } from "./frozen/own-process.ts";
import type { RunningServer } from "./running-server.ts";
import { type Scenario, type ScenarioOpen, skipReason, type World } from "./scenario.ts";
import { SUITE_NAME, suitePolicy } from "./suite-policy.ts";

/** A scenario that takes longer hangs, and a hang is a failure with that reason. */
const SCENARIO_LIMIT_MS = 25_000;

/** Plain clients wait for ever where a server is gone; it is seen as well in half of that. */
const PLAIN_SCENARIO_LIMIT_MS = 12_000;

/** For a busy machine: what the policy promises is waited for this long. */
const PATIENCE_MS = 8_000;

/** What a plain client does not do it does not do later either, and half of the scenarios wait for it. */
const PLAIN_PATIENCE_MS = 2_500;

/** How long one client may take to end before the pooler ends it. */
const CLOSE_LIMIT_MS = 3_000;

/** What a run of one scenario said. */
export type Outcome =
  | { readonly result: "pass" }
  | { readonly result: "skip"; readonly reason: string }
  | {
      readonly result: "fail";
      readonly reason: string;
      readonly error: unknown;
      /** What both servers logged meanwhile. */
      readonly log: string;
    };

/** Runs one scenario with one client on fresh tables and without any older connection. */
export async function runScenario(
  scenario: Scenario,
  client: ClientUnderTest,
  server: RunningServer,
  { guarded }: { guarded: boolean },
): Promise<Outcome> {
  const reason = skipReason(scenario, client, server.spec, guarded);
  if (reason !== undefined) return { result: "skip", reason };

  await server.reset(scenario.poolSize);
  setPatience(guarded ? PATIENCE_MS : PLAIN_PATIENCE_MS);
  const endOfLog = server.markLogs();
  const stray = catchStrays();
  const opened: OpenClient[] = [];
  const around: AsyncDisposable[] = [];
  const environment = new Map<string, string | undefined>();
  const world: World = {
    server,
    name: SUITE_NAME,
    async open(options = {}) {
      const open = await client.open(openOptions(server, options, guarded));
      opened.push(open);
      return open;
    },
    async startProxy() {
      const proxy = await startFaultProxy({ target: server.url });
      around.push(proxy);
      return proxy;
    },
    async openInProcess(options = {}) {
      const child = await startOwnProcess({ client: client.id, server, options, guarded });
      around.push(child);
      return child;
    },
    setEnvironment(variables) {
      for (const [name, value] of Object.entries(variables)) {
        environment.set(name, process.env[name]);
        process.env[name] = value;
      }
    },
  };

  try {
    const limitMs = guarded ? SCENARIO_LIMIT_MS : PLAIN_SCENARIO_LIMIT_MS;
    await within(limitMs, "The scenario hangs", scenario.run(world));
    for (const open of opened) await within(CLOSE_LIMIT_MS, "Closing the client", open.close());
    stray.rethrow();
    requireNoAlarm(scenario, opened);
    return { result: "pass" };
  } catch (error) {
    for (const open of opened) {
      // The failure is already known; what a broken client still says adds nothing.
      await within(CLOSE_LIMIT_MS, "Closing the client", open.close()).catch(() => {});
    }
    const log = endOfLog();
    // What a broken client still holds is cut here, while errors that reach nobody are still caught.
    await server.reset();
    return { result: "fail", reason: reasonOf(error), error, log };
  } finally {
    for (const each of around) await each[Symbol.asyncDispose]();
    stray.stop();
    for (const [name, value] of environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/**
 * What ORMs send by themselves, and what ordinary scenarios do, leaves nothing on the session: a finding
 * there is a false alarm. Scenarios that mean to leave something say so by their group.
 */
function requireNoAlarm({ id }: Scenario, opened: readonly OpenClient[]): void {
  if (id.startsWith("statements/")) return;
  const alarm = opened
    .flatMap(({ violations }) => violations)
    .find(({ rule }) => rule.startsWith("session-state/") || rule.startsWith("statements/"));
  if (alarm === undefined) return;
  throw new Error(`\`${alarm.statement ?? ""}\` was judged by ${alarm.rule}: ${alarm.message}`);
}

/** What the client under test is opened with. */
export function openOptions(
  server: Pick<RunningServer, "spec" | "url" | "directUrl">,
  { policy = {}, own = {}, urlParameters = {}, lane, plain = false, through, at }: ScenarioOpen,
  guarded: boolean,
): OpenOptions {
  const laneInUse = lane ?? (server.spec.traits.has("pooler") ? "pooled" : "direct");
  const straight = laneInUse === "direct" ? server.directUrl : server.url;
  const url = new URL(through?.url(straight) ?? straight);
  if (at !== undefined) url.host = `${at.host}:${at.port}`;
  for (const [name, value] of Object.entries(urlParameters)) url.searchParams.set(name, value);
  if (plain || !guarded) return { url: url.href, own, guarding: { guarded: false } };
  const violations: Violation[] = [];
  const choice: LaneChoice = { lane: laneInUse };
  const whole = suitePolicy(server, violations, policy);
  return { url: url.href, own, guarding: { guarded: true, policy: whole, choice, violations } };
}

/** An error that reaches nobody would have ended a service's process. */
function catchStrays(): { rethrow: () => void; stop: () => void } {
  const strays: unknown[] = [];
  const onStray = (error: unknown): void => void strays.push(error);
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);
  return {
    rethrow() {
      if (strays.length > 0) {
        throw new Error(`The process would have ended: ${reasonOf(strays[0])}`, {
          cause: strays[0],
        });
      }
    },
    stop() {
      process.off("uncaughtException", onStray);
      process.off("unhandledRejection", onStray);
    },
  };
}

/** One line. What an assertion saw is worth more than that it failed. */
function reasonOf(error: unknown): string {
  if (error instanceof AssertionError && error.generatedMessage) {
    return `expected ${short(error.expected)} and got ${short(error.actual)}`;
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n", 1)[0] ?? "";
}

function short(value: unknown): string {
  const text = inspect(value, { breakLength: Infinity, depth: 3, maxArrayLength: 4 });
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
