import assert from "node:assert/strict";

// By its name: a part that both entries share would be one more file for every process to load.
import {
  check,
  type ClientFacts,
  isPolicyError,
  type PolicyErrorCode,
  type ResolvedPolicy,
} from "@doorpolicy/core";

/** An adapter and what it is tried with. Titles become part of the tests' titles. */
export interface AdapterUnderLaw<Options> {
  /** What the options will make a client do to the server. */
  readonly describe: (options: Options, policy: ResolvedPolicy) => ClientFacts;
  /** The options as the policy makes them. */
  readonly apply: (options: Options, policy: ResolvedPolicy) => Options;
  readonly examples: Readonly<Record<string, Options>>;
  readonly policies: Readonly<Record<string, ResolvedPolicy>>;
  /** Options that `apply` refuses under an enforcing policy, and the code of its error. */
  readonly refused?: Readonly<
    Record<string, { readonly options: Options; readonly code: PolicyErrorCode }>
  >;
}

/** One law for one example under one policy: give it to any test runner. */
export interface AdapterLaw {
  readonly title: string;
  /** Throws an `AssertionError` when the law is broken. */
  readonly run: () => void;
}

/**
 * The laws that every adapter obeys:
 *
 * 1. Where the policy enforces, nothing is left to find: `check(describe(apply(o, p)), p)` is empty.
 * 2. `apply` twice is `apply` once; functions and drivers by identity.
 * 3. Neither `describe` nor `apply` changes what it is given.
 * 4. What cannot be made safe is refused with a `PolicyError`, not dropped.
 */
export function adapterLaws<Options>(adapter: AdapterUnderLaw<Options>): readonly AdapterLaw[] {
  const laws: AdapterLaw[] = [];
  for (const [policyTitle, policy] of Object.entries(adapter.policies)) {
    const enforces = Object.values(policy.targets).every(({ mode }) => mode === "enforce");
    for (const [title, options] of Object.entries(adapter.examples)) {
      laws.push(...lawsOf(adapter, `${title}, under ${policyTitle}`, options, policy, enforces));
    }
    if (!enforces) continue;
    for (const [title, { options, code }] of Object.entries(adapter.refused ?? {})) {
      laws.push({
        title: `${title}, under ${policyTitle} — is refused with ${code}`,
        run: () =>
          assert.throws(
            () => adapter.apply(frozen(options), policy),
            (error) => isPolicyError(error) && error.code === code,
          ),
      });
    }
  }
  return laws;
}

function lawsOf<Options>(
  { describe, apply }: AdapterUnderLaw<Options>,
  title: string,
  options: Options,
  policy: ResolvedPolicy,
  enforces: boolean,
): readonly AdapterLaw[] {
  const nothingLeft: AdapterLaw = {
    title: `${title} — leaves nothing to find`,
    run: () => {
      assert.deepEqual(check(describe(apply(options, policy), policy), policy), []);
    },
  };
  return [
    ...(enforces ? [nothingLeft] : []),
    {
      title: `${title} — applied twice is applied once`,
      run: () => {
        const once = apply(options, policy);
        assert.deepEqual(apply(once, policy), once);
      },
    },
    {
      title: `${title} — changes nothing that it is given`,
      run: () => {
        const given = frozen(options);
        const before = copyOf(given);
        describe(given, policy);
        apply(given, policy);
        assert.deepEqual(given, before);
      },
    },
  ];
}

/** A frozen copy of plain objects and lists; classes, functions and drivers stay what they are. */
function frozen<Value>(value: Value): Value {
  return copyOf(value, Object.freeze);
}

function copyOf<Value>(value: Value, finish: <T>(copy: T) => T = (copy) => copy): Value {
  if (!isPlain(value)) return value;
  if (Array.isArray(value)) {
    const copies: unknown = value.map((one: unknown) => copyOf(one, finish));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy is of the type of its original
    return finish(copies as Value);
  }
  const descriptors: [string, PropertyDescriptor][] = Object.entries(
    Object.getOwnPropertyDescriptors(value),
  ).map(([key, descriptor]): [string, PropertyDescriptor] => [
    key,
    "value" in descriptor
      ? { ...descriptor, value: copyOf<unknown>(descriptor.value, finish) }
      : descriptor,
  ]);
  const copy = Object.defineProperties(
    Object.getPrototypeOf(value) === null ? blank() : {},
    Object.fromEntries(descriptors),
  );
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    Object.defineProperty(copy, symbol, Object.getOwnPropertyDescriptor(value, symbol) ?? {});
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy is of the type of its original
  return finish(copy as Value);
}

function blank(): object {
  const empty: unknown = Object.create(null);
  return typeof empty === "object" && empty !== null ? empty : {};
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype;
}
