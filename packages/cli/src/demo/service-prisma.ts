import { withPolicy } from "@doorpolicy/prisma";
import { PrismaPg } from "@prisma/adapter-pg";

import type { Bookings, OpenBookings } from "./bookings.ts";
import { PrismaClient } from "./generated/client.ts";

/** The demo's Prisma service. The policy is one call around the options, and nothing else. */
export function openPrismaBookings(open: OpenBookings): Bookings {
  const options = { adapter: new PrismaPg({ connectionString: open.url }) };
  const prisma = new PrismaClient(
    open.policy === undefined ? options : withPolicy(options, open.policy),
  );
  const row = (request: string) => ({ data: { request, service: open.service } });

  return {
    async write(label) {
      await prisma.booking.create(row(label));
    },
    async block(labels) {
      await prisma.$transaction(async (tx) => {
        for (const label of labels) await tx.booking.create(row(label));
      });
    },
    async throwing(label) {
      await prisma.$transaction(async (tx) => {
        await tx.booking.create(row(label));
        throw new Error("card declined");
      });
    },
    async swallowing(label) {
      await prisma.$transaction(async (tx) => {
        await tx.booking.create(row(label));
        await tx.booking.create(row(label)).catch(() => "already booked, never mind");
      });
    },
    leaking(label) {
      return new Promise((resolve, reject) => {
        prisma
          .$transaction(async (tx) => {
            await tx.booking.create(row(label));
            resolve();
            // The classic: waiting for an answer that never comes.
            await new Promise<never>(() => {});
          })
          .catch(reject);
      });
    },
    async bareBegin() {
      await prisma.$executeRawUnsafe("BEGIN");
    },
    async close() {
      await prisma.$disconnect();
    },
  };
}
