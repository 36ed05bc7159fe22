import {
  directFunctions,
  type DirectFunctions,
  type Listen,
  type WithAdvisoryLock,
} from "@doorpolicy/pg";

import { applicationPrismaPg, pgOf } from "./prisma-pg.ts";

const functions: DirectFunctions = directFunctions(() => pgOf(applicationPrismaPg()));

/** `withAdvisoryLock` of @doorpolicy/pg; given a policy, it uses the `pg` of Prisma's adapter. */
export const withAdvisoryLock: WithAdvisoryLock = functions.withAdvisoryLock;

/** `listen` of @doorpolicy/pg; given a policy, it uses the `pg` of Prisma's adapter. */
export const listen: Listen = functions.listen;
