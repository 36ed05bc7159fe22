import type { Scenario } from "../../scenario.ts";
import { lost } from "./lost.ts";
import { silent } from "./silent.ts";

/** What networks, poolers and machines do to a service. */
export const faults: readonly Scenario[] = [...lost, ...silent];
