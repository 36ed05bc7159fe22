import { withPolicy } from "@doorpolicy/typeorm";

import { policy } from "./db-policy.ts";

/** For `new DataSource(options)`. The statement limit is the policy's now, and travels with BEGIN. */
export const options = withPolicy({ type: "postgres" }, policy);
