import type { Scenario } from "../scenario.ts";
import { capped } from "./connections/capped.ts";
import { unused } from "./connections/unused.ts";
import { faults } from "./faults/faults.ts";
import { lanes } from "./lanes/lanes.ts";
import { bypass } from "./modes/bypass.ts";
import { observe } from "./modes/observe.ts";
import { naming } from "./naming/names.ts";
import { ordinaryLife } from "./ordinary/life.ts";
import { resilience } from "./resilience/resilience.ts";
import { leaks } from "./statements/leaks.ts";
import { startupLimits } from "./startup/limits.ts";
import { startupRefusals } from "./startup/refused.ts";
import { givenBack } from "./transaction/given-back.ts";
import { leaked } from "./transaction/leaked.ts";
import { outcome } from "./transaction/outcome.ts";
import { held } from "./units/held.ts";
import { late } from "./units/late.ts";
import { settings } from "./units/settings.ts";
import { whole } from "./units/whole.ts";

/** Every scenario, in the order in which features appear in the matrix. */
export const scenarios: readonly Scenario[] = [
  ...naming,
  ...unused,
  ...capped,
  ...startupLimits,
  ...startupRefusals,
  ...givenBack,
  ...leaked,
  ...outcome,
  ...whole,
  ...late,
  ...settings,
  ...leaks,
  ...held,
  ...resilience,
  ...faults,
  ...observe,
  ...bypass,
  ...lanes,
  ...ordinaryLife,
];
