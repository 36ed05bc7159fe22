/** Stands for the value of an environment variable, read when the policy is resolved. */
export interface EnvReference {
  readonly kind: "env";
  readonly name: string;
}

/**
 * Takes a URL from the environment when the policy is resolved, so that a policy file holds no secret.
 *
 * An unset variable is an error only for a client that uses that lane. A name has letters, digits and
 * `_` and does not begin with a digit; `definePolicy` refuses any other.
 */
export function env(name: string): EnvReference {
  return Object.freeze({ kind: "env", name });
}

/** The environment that a policy is resolved in. */
export type Environment = Readonly<Record<string, string | undefined>>;
