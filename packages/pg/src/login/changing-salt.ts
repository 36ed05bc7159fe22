import type { Guard } from "../guard.ts";
import { loginState } from "./state.ts";

const RULE = "connections/changing-salt";

/** Says of a target, once in this process for each of its servers, that its keys cannot be kept. */
export function sayChangingSalt(guard: Guard, server: string): void {
  if (guard.response(RULE) === "nothing") return;
  const { said } = loginState();
  const key = `${guard.lane.target.name} ${guard.lane.lane} ${server}`;
  if (said.has(key)) return;
  said.add(key);
  guard.report({
    rule: RULE,
    action: "reported",
    message:
      "The pooler sends a new salt at every login, as PgBouncer does for plain-text passwords in `auth_file`: each connect costs it 22 times the CPU, and the client a derivation of keys that it cannot keep.",
    help: "Set a SCRAM verifier in place of the plain-text password in PgBouncer's `auth_file`, or set `auth_query`.",
  });
}
