import * as v from "valibot";

import { POOLER_KINDS, POOL_MODES } from "../pooler.ts";
import { PLACEHOLDERS, problemOfTemplate } from "../naming/template.ts";
import { ruleIds } from "../rules/index.ts";
import { isVersion } from "../version.ts";

/** Postgres and `setTimeout` both keep a limit in 31 bits. */
const MOST = 2_147_483_647;

let made: v.GenericSchema | undefined;

/**
 * The shape of a policy. Unknown keys and `extends` are looked at by `validate.ts`. Each message is
 * what is allowed, to be put after "allowed is".
 *
 * Made when the first policy is: it is a sixth of what importing this package would cost otherwise.
 */
export function policySchema(): v.GenericSchema {
  return (made ??= makeSchema());
}

function makeSchema(): v.GenericSchema {
  const positive = whole(1);
  const orNone = whole(0);
  const text = check<string>(
    (value) => typeof value === "string" && value.trim() !== "",
    "a text that is not empty",
  );

  const yesOrNo = check<boolean>((value) => typeof value === "boolean", "true or false");

  const host = check<string>(
    (value) => typeof value === "string" && isHost(value),
    "a host such as localhost or *.example.com, without scheme and port",
  );

  const setting = check<string>(
    (value) => typeof value === "string" && /^[a-z_][\w$]*(?:\.[a-z_][\w$]*)*$/iu.test(value),
    "the name of a setting such as app.tenant",
  );

  const namePart = check<string>(
    // Silently replaced characters would be another name than the one that was written down.
    (value) => typeof value === "string" && value.trim() !== "" && !/\p{Cc}/u.test(value),
    "a text without control characters that is not empty",
  );

  const url = v.union(
    [
      check<string>((value) => typeof value === "string", ""),
      v.strictObject({
        kind: v.literal("env"),
        name: check<string>(
          (value) => typeof value === "string" && /^[A-Z_a-z]\w*$/u.test(value),
          "",
        ),
      }),
    ],
    'a connection URL or `env("NAME")`',
  );

  const mode = oneOf(["observe", "enforce", "bypass"]);
  const checkLevel = oneOf(["off", "warn", "error"]);
  const ruleId = oneOf(ruleIds);
  const listOfNames = list(text);

  const sections = {
    naming: object({
      template: check<string>(
        (value) => typeof value === "string" && problemOfTemplate(value) === undefined,
        `a template of ${PLACEHOLDERS.map((name) => `{${name}}`).join(", ")}`,
      ),
      app: namePart,
      user: namePart,
      host: namePart,
    }),
    connections: object({
      reuse: oneOf(["none", "pool"]),
      maxPerProcess: positive,
      acquireTimeoutMs: positive,
      lingerMs: orNone,
      idleTimeoutMs: positive,
      minPerProcess: orNone,
      maxLifetimeMs: orNone,
      pipelineHandshake: yesOrNo,
      connectRetry: yesOrNo,
      keepAliveMs: orNone,
      heldIdleWarnMs: orNone,
      heldIdleReclaimMs: orNone,
    }),
    transaction: object({
      idleTimeoutMs: orNone,
      timeoutMs: orNone,
      statementTimeoutMs: orNone,
      lockTimeoutMs: orNone,
      lazyBegin: yesOrNo,
    }),
    units: object({ stallMs: positive, settleTimeoutMs: orNone }),
  };

  const pooler = object(
    {
      kind: oneOf(POOLER_KINDS),
      version: check<string>(
        (value) => typeof value === "string" && isVersion(value),
        'a version such as "1.24" or "1.26.1"',
      ),
      mode: oneOf(POOL_MODES),
      limits: object({
        idleTransactionTimeoutMs: orNone,
        transactionTimeoutMs: orNone,
        queryWaitTimeoutMs: orNone,
        queryTimeoutMs: orNone,
      }),
      settings: object({
        maxPreparedStatements: orNone,
        tracksNamedStatements: yesOrNo,
        tracksSqlPrepare: yesOrNo,
        pinsSessionLocks: yesOrNo,
        resetsSessionState: yesOrNo,
        trackExtraParameters: listOfNames,
        ignoreStartupParameters: listOfNames,
      }),
    },
    ["kind"],
  );

  // Keys that a policy may mark as enforced: sections, and the keys in them.
  const enforceable: readonly string[] = Object.entries(sections).flatMap(
    ([section, { entries }]) => [
      section,
      ...Object.keys(entries).map((key) => `${section}.${key}`),
    ],
  );

  return object({
    extends: v.unknown(),
    targets: v.record(
      check<string>(
        (value) => typeof value === "string" && /^[A-Za-z][\w-]*$/u.test(value),
        "a name of letters, digits, `-` and `_` that begins with a letter",
      ),
      object({
        pooler,
        pooled: url,
        direct: url,
        replicas: list(url),
        requireSetting: list(setting),
        mode,
      }),
      "an object with a key for each database",
    ),
    mode,
    pooler,
    ...sections,
    // No option of a client sets it, so that there is nothing to enforce.
    externalCalls: object({ ignoreHosts: list(host) }),
    rules: v.record(
      ruleId,
      v.union(
        [checkLevel, object({ check: checkLevel, runtime: oneOf(["off", "warn", "refuse"]) })],
        '"off", "warn", "error", or an object with `check` and `runtime`',
      ),
      "an object with a key for each rule",
    ),
    allow: list(
      object(
        {
          rule: ruleId,
          match: text,
          reason: text,
          until: check<string>(isDay, "a day such as 2027-01-31"),
        },
        ["rule", "reason"],
      ),
    ),
    enforced: list(oneOf(enforceable)),
    onViolation: check<() => void>((value) => typeof value === "function", "a function"),
  });
}

function whole(least: number): v.GenericSchema<number> {
  return check<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= MOST,
    least === 0
      ? `a whole number from 0 (none) to ${MOST}`
      : `a whole number from ${least} to ${MOST}`,
  );
}

function oneOf(allowed: readonly string[]): v.GenericSchema<string> {
  return v.picklist(allowed, allowed.map((one) => `"${one}"`).join(", "));
}

function list<Item extends v.GenericSchema>(item: Item): v.ArraySchema<Item, string> {
  return v.array(item, "a list");
}

/** An object whose keys may be left out, except the ones named. */
function object(
  entries: Readonly<Record<string, v.GenericSchema>>,
  required: readonly string[] = [],
): v.ObjectSchema<Record<string, v.GenericSchema>, string> {
  const optional = Object.entries(entries).map(([key, schema]): [string, v.GenericSchema] => [
    key,
    required.includes(key) ? schema : v.optional(schema),
  ]);
  return v.object(Object.fromEntries(optional), "an object");
}

function check<Value>(holds: (value: unknown) => boolean, allowed: string): v.GenericSchema<Value> {
  return v.custom<Value>(holds, allowed);
}

/** A host name or an address, or `*.` and a name; no pattern in another place. */
function isHost(value: string): boolean {
  return (
    /^(?:\*\.)?[a-z\d_-]+(?:\.[a-z\d_-]+)*$/iu.test(value) ||
    // Of IPv6: `db:5432` has one colon.
    /^[\da-f]*(?::[\da-f]*){2,}(?:\.\d+){0,3}$/iu.test(value)
  );
}

function isDay(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/u.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}
