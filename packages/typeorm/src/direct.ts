import {
  directFunctions,
  type DirectFunctions,
  type Listen,
  type WithAdvisoryLock,
} from "@doorpolicy/pg";

import { applicationPg } from "./driver.ts";

const functions: DirectFunctions = directFunctions(() => applicationPg());

/** `withAdvisoryLock` of @doorpolicy/pg; given a policy, it uses the `pg` that TypeORM loads. */
export const withAdvisoryLock: WithAdvisoryLock = functions.withAdvisoryLock;

/** `listen` of @doorpolicy/pg; given a policy, it uses the `pg` that TypeORM loads. */
export const listen: Listen = functions.listen;
