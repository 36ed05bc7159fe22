import { isPolicyError, PolicyError } from "../errors.ts";
import { readConnectionUrl } from "../url/connection-url.ts";
import { asCode, describe, invalid, isObject, join, type Problem } from "./problem.ts";
import { problemsOfShape } from "./shape.ts";

const PRESETS = ["recommended", "strict"];

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
  if (!isObject(policy)) {
    return [
      invalid(
        at,
        `${at === "" ? "The policy" : asCode(at)} is ${describe(policy)}, and a policy is an object.`,
        "Pass an object with keys such as `targets` and `naming`.",
      ),
    ];
  }
  return [
    ...problemsOfShape(policy, at),
    ...problemsOfUrls(policy["targets"], join(at, "targets")),
    ...problemsOfBases(policy["extends"], join(at, "extends")),
  ];
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
  return [
    invalid(
      at,
      `${asCode(at)} names ${describe(base)}; the presets are "recommended" and "strict".`,
      "Import the package and pass its policy: `extends: teamPolicy`.",
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
