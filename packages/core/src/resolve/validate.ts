import { isPolicyError, PolicyError } from "../errors.ts";
import { isPolicy } from "../policy-mark.ts";
import { readConnectionUrl } from "../url/connection-url.ts";
import { nearest } from "./nearest.ts";
import { presets } from "./presets.ts";
import { asCode, describe, invalid, isObject, join, type Problem } from "./problem.ts";
import { problemsOfRules } from "./rule-settings.ts";
import { problemsOfShape } from "./shape.ts";

const PRESETS: readonly string[] = Object.keys(presets);

/**
 * Checks the shape of a policy and of all that it extends.
 *
 * @throws PolicyError that lists every problem found.
 */
export function validatePolicy(policy: unknown): void {
  const problems = problemsOf(policy, "");
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) {
    throw new PolicyError(first.code, first.says, { hint: first.hint, path: first.path });
  }
  const list = problems.map(({ says }) => `  - ${says}\n`).join("");
  throw new PolicyError(
    others.every(({ code }) => code === first.code) ? first.code : "policy/invalid",
    `The policy has ${problems.length} problems:\n${list}`,
    { hint: "Correct each key that is named above.", path: first.path },
  );
}

function problemsOf(policy: unknown, at: string): readonly Problem[] {
  const subject = at === "" ? "The policy" : asCode(at);
  const kind = Object.prototype.toString.call(policy).slice("[object ".length, -1);
  // A promise or a map has no keys, and would pass for a policy that changes nothing.
  if (!isObject(policy) || !["Object", "Module"].includes(kind)) {
    const given = isObject(policy) ? `a ${kind}` : describe(policy);
    return [
      invalid(
        at,
        `${subject} is ${given}, and a policy is an object.`,
        kind === "Promise"
          ? "Await it, and pass the policy."
          : "Pass an object with keys such as `targets` and `naming`.",
      ),
    ];
  }
  const inside = policyInside(policy);
  if (inside !== undefined) {
    return [
      invalid(
        at,
        `${subject} is ${kind === "Module" ? "a module" : "an object"} that holds a policy as ${asCode(inside)}, and is none itself.`,
        `Pass its ${asCode(inside)}.`,
      ),
    ];
  }
  return [
    ...problemsOfShape(policy, at),
    ...problemsOfRules(policy["rules"], join(at, "rules")),
    ...problemsOfUrls(policy["targets"], join(at, "targets")),
    ...problemsOfBases(policy["extends"], join(at, "extends")),
  ];
}

/** Keys under which a module gives away its policy, defined or not. */
const EXPORTS = ["policy", "default"];

/** The key of the policy in what holds one: the namespace of a module, or `{ policy }`. */
function policyInside(holder: Readonly<Record<string, unknown>>): string | undefined {
  const marked = Object.keys(holder).find((key) => key !== "extends" && isPolicy(holder[key]));
  if (marked !== undefined) return marked;
  const isHolder = Symbol.toStringTag in holder || Object.keys(holder).length === 1;
  const found = EXPORTS.find((key) => isHolder && isObject(holder[key]));
  const held = found === undefined ? undefined : holder[found];
  // What CommonJS exports stands under `default` in an ES module.
  return found === "default" && isObject(held) && isPolicy(held["policy"])
    ? "default.policy"
    : found;
}

function problemsOfBases(bases: unknown, at: string): readonly Problem[] {
  if (bases === undefined) return [];
  return Array.isArray(bases)
    ? bases.flatMap((base: unknown, index) => problemsOfBase(base, join(at, String(index))))
    : problemsOfBase(bases, at);
}

function problemsOfBase(base: unknown, at: string): readonly Problem[] {
  if (typeof base !== "string") return problemsOf(base, at);
  if (PRESETS.includes(base)) return [];
  const guess = nearest(base, PRESETS);
  return [
    invalid(
      at,
      guess === undefined
        ? `${asCode(at)} names ${describe(base)}; the presets are ${PRESETS.map((name) => `"${name}"`).join(", ")}.`
        : `${asCode(at)} names ${describe(base)}; did you mean "${guess}"?`,
      guess === undefined
        ? "Import the package and pass its policy: `extends: teamPolicy`."
        : `Set it to "${guess}", or import a package and pass its policy.`,
    ),
  ];
}

/** URLs that stand in the policy itself; those of the environment are read when a lane is used. */
function problemsOfUrls(targets: unknown, at: string): readonly Problem[] {
  if (!isObject(targets)) return [];
  return Object.entries(targets).flatMap(([name, target]) => {
    if (!isObject(target)) return [];
    const { pooled, direct, replicas } = target;
    const own = join(at, name);
    return [
      ...problemsOfUrl(pooled, join(own, "pooled")),
      ...problemsOfUrl(direct, join(own, "direct")),
      ...(Array.isArray(replicas) ? replicas : []).flatMap((url: unknown, index) =>
        problemsOfUrl(url, join(own, `replicas.${index}`)),
      ),
    ];
  });
}

function problemsOfUrl(url: unknown, path: string): readonly Problem[] {
  if (typeof url !== "string") return [];
  try {
    readConnectionUrl(url);
    return [];
  } catch (error) {
    if (!isPolicyError(error)) throw error;
    return [
      {
        code: error.code,
        path,
        says: `${asCode(path)} cannot be used. ${error.message.slice(0, -error.hint.length).trim()}`,
        hint: error.hint,
      },
    ];
  }
}
