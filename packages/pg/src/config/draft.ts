import { type LaneInUse, withoutParameters, withParameter } from "@doorpolicy/core";

import { Guard } from "../guard.ts";
import type { SettingChange } from "./changes.ts";
import {
  type ConfigContext,
  type ConfigPaths,
  type EffectiveConfig,
  PG_PATHS,
  readConfig,
} from "./effective.ts";
import {
  type ConfigValues,
  copyPoolConfig,
  HANDED_KEY,
  type HandedLimits,
  handedLimits,
  notedPaths,
  type PoolConfigInput,
  setKey,
} from "./pool-config.ts";

type Shown = string | number | boolean;

/** A pool config while a policy is applied to it: a copy, and an account of what was changed. */
export class PoolConfigDraft {
  readonly values: ConfigValues;
  readonly changes: SettingChange[] = [];
  readonly context: ConfigContext;

  constructor(config: PoolConfigInput, context: ConfigContext) {
    this.values = copyPoolConfig(config);
    this.context = context;
  }

  /** How its user calls the settings. */
  get paths(): ConfigPaths {
    return this.read().paths;
  }

  /** The draft as pg would read it now. */
  read(): EffectiveConfig {
    return readConfig(this.values, this.context);
  }

  /** Sets an option; nothing happens where it is so already. */
  set(key: string, to: Shown, why: string): void {
    const before = this.values[key];
    if (before === to) return;
    setKey(this.values, key, to);
    const path = this.#path(key);
    this.changes.push(
      isShown(before)
        ? { path, from: before, to, why, kind: "overridden" }
        : { path, to, why, kind: "set" },
    );
  }

  /** Takes a setting out of the options and out of the URL, whichever of them pg would have read. */
  drop(key: string, why: string, about: DropNote = {}): void {
    const before = this.values[key];
    if (before !== undefined) {
      delete this.values[key];
      if (before) this.#dropped(this.#path(key), before, why, about);
    }
    this.dropUrlParameter(key, why, about);
  }

  /** Takes a parameter out of the URL's text and leaves every other byte of it. */
  dropUrlParameter(name: string, why: string, about: DropNote = {}): void {
    const { url, urlParameters } = this.read();
    const before = urlParameters.get(name);
    if (url === undefined || before === undefined) return;
    setKey(this.values, "connectionString", withoutParameters(url, [name]));
    this.#dropped(this.paths.url(name), before, why, about);
  }

  /** Writes another value for a parameter that the URL has; every other byte of it stays. */
  setUrlParameter(name: string, to: string, why: string): void {
    const { url, urlParameters } = this.read();
    const from = urlParameters.get(name);
    if (url === undefined || from === undefined || from === to) return;
    setKey(this.values, "connectionString", withParameter(url, name, to));
    this.changes.push({ path: this.paths.url(name), from, to, why, kind: "overridden" });
  }

  /** Gives a limit to the guarded driver, which sends it with BEGIN. Of two, the shorter one holds. */
  hand(limit: keyof HandedLimits, milliseconds: number): void {
    const handed = handedLimits(this.values);
    const stricter = Math.min(milliseconds || Infinity, handed[limit] || Infinity);
    const value = Number.isFinite(stricter) ? stricter : 0;
    this.#tell({ limits: { ...handed, [limit]: value } });
  }

  /**
   * Whether the guard acts on a rule at run time, for a setting under its user's key. An exception that allows it
   * by that key is noted where pg's own word is another one: the guarded driver reads the config without
   * the adapter (`notedPaths`).
   */
  isActedOn(lane: LaneInUse, rule: string, path: string): boolean {
    const guard = new Guard(lane);
    if (guard.response(rule, path) === "act") return true;
    const own = this.#ownWord(path);
    if (own !== path && guard.response(rule, own) === "act") {
      this.#tell({ paths: { ...notedPaths(this.values), [own]: path } });
    }
    return false;
  }

  /** pg's own word for what its user calls so. */
  #ownWord(path: string): string {
    const { values, urlParameters, paths } = this.read();
    const key = Object.getOwnPropertyNames(values).find((one) => paths.option(one) === path);
    if (key !== undefined) return key;
    const parameter = [...urlParameters.keys()].find((one) => paths.url(one) === path);
    return parameter === undefined ? path : PG_PATHS.url(parameter);
  }

  #tell(part: object): void {
    const before = this.values[HANDED_KEY];
    setKey(this.values, HANDED_KEY, { ...(typeof before === "object" ? before : {}), ...part });
  }

  #path(key: string): string {
    return this.paths.option(key);
  }

  #dropped(path: string, before: unknown, why: string, { isSecret = false, rule }: DropNote): void {
    this.changes.push({
      path,
      ...(isSecret || !isShown(before) ? {} : { from: before }),
      to: undefined,
      why,
      kind: "dropped",
      ...(rule === undefined ? {} : { rule }),
    });
  }
}

/** How a dropped setting is accounted for. */
interface DropNote {
  /** Its value stays out of the account. */
  readonly isSecret?: boolean;
  /** The rule that made it travel another way. */
  readonly rule?: string;
}

function isShown(value: unknown): value is Shown {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
