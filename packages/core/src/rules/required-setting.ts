import type { Rule } from "../rule.ts";

/**
 * A client that no guard sees into sends its statements without the settings of a unit of work, so that
 * a row-level policy finds no tenant, or what another client has left on the server connection.
 *
 * Prisma's native engine is such a client: it makes its statements in another thread, outside of every
 * async context. On a guarded client the rule holds at run time, for each statement.
 */
export const requiredSetting: Rule = {
  id: "unit/required-setting",
  severity: "error",
  atRuntime: true,
  *check({ coverage, lane }, { target }) {
    const { requireSetting, name } = target;
    if (coverage !== "configured" || lane === "direct" || requireSetting.length === 0) return;
    yield {
      message: `Its statements carry no setting of a unit, and target \`${name}\` requires ${requireSetting.map((one) => `\`${one}\``).join(", ")}: a row-level policy sees no tenant there.`,
      help: "Use a client whose driver is guarded: for Prisma `withPolicy` and the pg adapter.",
      path: `targets.${name}.requireSetting`,
    };
  },
};
