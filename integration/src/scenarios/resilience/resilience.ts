import type { Scenario } from "../../scenario.ts";
import { everyMessage } from "./every-message.ts";
import { limits } from "./limits.ts";
import { moved } from "./moved.ts";
import { restarts } from "./restarts.ts";
import { terminated } from "./terminated.ts";

/** What happens to servers, poolers and names while a service works. */
export const resilience: readonly Scenario[] = [
  ...terminated,
  ...restarts,
  ...limits,
  ...moved,
  ...everyMessage,
];
