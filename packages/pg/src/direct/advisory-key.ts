import { createHash } from "node:crypto";

import { PolicyError } from "@doorpolicy/core";

/**
 * What an advisory lock is called. PostgreSQL knows 64-bit numbers, and beside them pairs of 32-bit
 * numbers, which are another space: `1n` and `[0, 1]` do not exclude each other. A text becomes one of
 * the 64-bit numbers; see {@link advisoryLockKey}.
 */
export type AdvisoryKey = string | bigint | number | readonly [number, number];

/** A key as SQL takes it: the arguments of a lock function, and their values. */
export interface SqlKey {
  /** `$1::bigint`, or `$1::int, $2::int`. */
  readonly placeholders: string;
  readonly values: readonly string[];
  /** For a message. */
  readonly shown: string;
  /** What `pg_locks` shows as `classid`, `objid` and `objsubid`. */
  readonly inLocks: readonly [classId: number, objectId: number, kind: number];
}

const INT_64: readonly [bigint, bigint] = [-(2n ** 63n), 2n ** 63n - 1n];
const INT_32: readonly [number, number] = [-(2 ** 31), 2 ** 31 - 1];

/**
 * The 64-bit number behind a key, for SQL of one's own, such as a lock that ends with its transaction:
 * `select pg_advisory_xact_lock($1)`.
 *
 * A text is hashed: the first 8 bytes of its SHA-256 in UTF-8, as a signed number, high byte first.
 * That is the same in every process, release and language; PostgreSQL's own `hashtext` may change
 * with its version.
 *
 * @throws PolicyError `direct/invalid` for what is no key, or no 64-bit number.
 */
export function advisoryLockKey(key: string | bigint | number): bigint {
  if (typeof key === "string" && key !== "") {
    return createHash("sha256").update(key, "utf8").digest().readBigInt64BE();
  }
  if (typeof key === "bigint" || (typeof key === "number" && Number.isSafeInteger(key))) {
    const number = BigInt(key);
    if (number >= INT_64[0] && number <= INT_64[1]) return number;
  }
  throw invalidKey(key);
}

/** @throws PolicyError `direct/invalid`. */
export function sqlKeyOf(key: AdvisoryKey): SqlKey {
  if (Array.isArray(key)) return pairOf(key);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no list any more.
  const given = key as Exclude<AdvisoryKey, readonly unknown[]>;
  const number = advisoryLockKey(given);
  const bits = BigInt.asUintN(64, number);
  return {
    placeholders: "$1::bigint",
    values: [String(number)],
    shown: typeof given === "string" ? JSON.stringify(given.slice(0, 80)) : String(given),
    inLocks: [Number(bits >> 32n), Number(bits & 0xffff_ffffn), 1],
  };
}

function pairOf(key: readonly unknown[]): SqlKey {
  const [high, low] = key;
  if (key.length !== 2 || !isInt32(high) || !isInt32(low)) throw invalidKey(key);
  return {
    placeholders: "$1::int, $2::int",
    values: [String(high), String(low)],
    shown: `[${high}, ${low}]`,
    inLocks: [high >>> 0, low >>> 0, 2],
  };
}

function isInt32(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= INT_32[0] && Number(value) <= INT_32[1];
}

function invalidKey(key: unknown): PolicyError {
  const what =
    key === "" ? "an empty text" : Array.isArray(key) ? "a list" : `of type ${typeof key}`;
  return new PolicyError(
    "direct/invalid",
    `The key of an advisory lock is ${what}, and PostgreSQL knows 64-bit numbers and pairs of 32-bit ones.`,
    {
      path: "key",
      hint: "Pass a text that is not empty, a whole number, or two 32-bit numbers in a list.",
    },
  );
}
