import { withPolicy } from "@doorpolicy/prisma";

import { policy } from "./db-policy.ts";

/** For `new PrismaClient(options)`. */
export const options = withPolicy({}, policy);
