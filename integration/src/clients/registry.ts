import type { ClientUnderTest } from "../client.ts";
import { pgClient } from "./pg.ts";
import { prisma7 } from "./prisma-7.ts";
import { typeorm03 } from "./typeorm-0.3.ts";
import { typeorm1 } from "./typeorm-1.ts";

/** Every client of the suite, in the order of the matrix. */
export const clients: readonly ClientUnderTest[] = [pgClient, typeorm1, typeorm03, prisma7];
