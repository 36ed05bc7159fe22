import { PolicyError } from "@doorpolicy/core";

import { handedLimits, type PoolConfigInput, sayChanges } from "../config/index.ts";
import type { ConnectionGuard } from "../connection/connection-guard.ts";
import type { Guard } from "../guard.ts";
import type { ViolationDraft } from "../report.ts";
import { judgeConfig } from "./judge-config.ts";
import { limitsOf } from "../connection/limits.ts";
import {
  brokenParameter,
  helpFor,
  judgeStartup,
  saysOnlyWho,
  type StartupFinding,
  startupRefusal,
  withoutName,
} from "./startup.ts";
import { startupSource } from "./startup-source.ts";

type Packet = Record<string, string | undefined>;

const LIMITS = "transaction/limits";
const PARAMETERS = "startup/no-unsupported-parameters";

/**
 * What goes out in the startup packet of one connection.
 *
 * | mode | the name | a limit (`*_timeout`) | what else the pooler does not take |
 * | --- | --- | --- | --- |
 * | enforce | set | sent with BEGIN, reported once | refused before a socket is opened |
 * | observe | set | left alone, reported once | left alone, reported once |
 * | bypass | set | dropped, or the pooler would refuse the connection | left alone |
 */
export class Startup {
  readonly #guard: Guard;
  readonly #config: PoolConfigInput;

  constructor(guard: Guard, config: PoolConfigInput) {
    this.#guard = guard;
    this.#config = config;
  }

  /** Why the connection may not be made. Hands the limits that are translated to the connection. */
  judge(given: Packet, connection: ConnectionGuard): Error | undefined {
    const contradiction = judgeConfig(this.#guard, this.#config);
    if (contradiction !== undefined) return contradiction;
    const broken = brokenParameter(given);
    if (broken !== undefined) return this.#brokenRefusal(broken);
    const { lane } = this.#guard;
    if (lane.mode === "bypass" || saysOnlyWho(given)) return undefined;
    const { limits, translated, refused } = judgeStartup(given, lane);
    const [first] = refused.filter((finding) => this.#response(PARAMETERS, finding) === "act");
    if (first !== undefined) return startupRefusal(first, this.#path(first));
    for (const finding of refused) this.#reportRefused(finding);
    for (const finding of translated) this.#reportTranslated(finding);
    if (translated.some((finding) => this.#response(LIMITS, finding) === "act")) {
      // What the service wrote was handed over; PGOPTIONS, still in the packet, fills what is left open.
      connection.setLimits(limitsOf(lane, { ...limits, ...handedLimits(this.#config) }));
    }
    return undefined;
  }

  /** The packet as it goes out. */
  packet(given: Packet): Packet {
    const { name, lane } = this.#guard;
    if (saysOnlyWho(given)) return { ...given, application_name: name };
    const options = withoutName(given["options"]);
    if (options !== given["options"]) this.#sayName();
    // Put back last: of two names PgBouncer takes the later one.
    const { application_name: _, ...unnamed }: Packet = { ...given, options };
    const { packet, translated, refused } = judgeStartup(unnamed, lane);
    const isKept = (finding: StartupFinding): boolean => {
      if (refused.includes(finding)) return this.#response(PARAMETERS, finding) !== "act";
      return lane.mode !== "bypass" && this.#response(LIMITS, finding) !== "act";
    };
    const kept = [...translated, ...refused].filter(isKept).map(({ carrier }) => carrier);
    const asGiven = Object.fromEntries(kept.map((carrier) => [carrier, unnamed[carrier]]));
    return { ...packet, ...asGiven, application_name: name };
  }

  #sayName(): void {
    const path = `${startupSource("options", this.#config)} application_name`;
    const why = "the name of a connection is the policy's.";
    const change = { path, to: this.#guard.name, kind: "overridden", why } as const;
    sayChanges("pg", this.#guard.lane, [change]);
  }

  #response(rule: string, finding: StartupFinding): "act" | "report" | "nothing" {
    return this.#guard.response(rule, this.#path(finding));
  }

  #path({ carrier }: StartupFinding): string {
    return startupSource(carrier, this.#config);
  }

  #reportTranslated(finding: StartupFinding): void {
    const { name } = finding;
    const path = this.#path(finding);
    const response = this.#response(LIMITS, finding);
    if (response === "nothing") return;
    const draft: ViolationDraft = {
      rule: LIMITS,
      action: response === "act" ? "translated" : "would-have",
      message:
        response === "act"
          ? `\`${name}\` at \`${path}\` is sent with BEGIN instead of the startup packet, which the pooler would refuse; statements outside a block have no such limit now.`
          : `\`${name}\` at \`${path}\` goes out in the startup packet, and the pooler refuses the connection or drops the limit.`,
      help: `Set \`ALTER ROLE … SET ${name}\` for statements outside blocks, and \`transaction\` limits in the policy for blocks.`,
    };
    this.#guard.reportOnce(`${LIMITS} ${path} ${name}`, draft, path);
  }

  #reportRefused(finding: StartupFinding): void {
    const path = this.#path(finding);
    if (this.#response(PARAMETERS, finding) === "nothing") return;
    const { message } = startupRefusal(finding, path);
    const draft: ViolationDraft = {
      rule: PARAMETERS,
      action: "would-have",
      message,
      help: helpFor(finding),
    };
    this.#guard.reportOnce(`${PARAMETERS} ${path} ${finding.name}`, draft, path);
  }

  #brokenRefusal(name: string): PolicyError {
    const path = startupSource(name, this.#config);
    return new PolicyError(
      "startup/refused",
      `\`${name}\` at \`${path}\` holds a NUL byte, which ends its text: what follows would be startup parameters of their own.`,
      { path, hint: "Remove it." },
    );
  }
}
