import { withPolicy } from "@doorpolicy/prisma";

import { policy } from "./db-policy.ts";
import { PrismaClient } from "./generated/client.ts";

// The policy is this one call. Without it: new PrismaClient({ adapter: new PrismaPg({ connectionString }) }).
export const prisma: PrismaClient = new PrismaClient(withPolicy({}, policy));

/** Outside a block every statement stands for itself, and its connection is given back at once. */
export async function bookingsOf(
  service: string,
): Promise<readonly { readonly request: string }[]> {
  return prisma.booking.findMany({ where: { service }, select: { request: true } });
}

/** A block is asked for in the ORM's own words; its limits travel with BEGIN. */
export async function book(service: string, requests: readonly string[]): Promise<void> {
  await prisma.$transaction(async (tx) => {
    for (const request of requests) await tx.booking.create({ data: { request, service } });
  });
}
