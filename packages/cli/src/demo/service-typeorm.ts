import { withPolicy } from "@doorpolicy/typeorm";
import { DataSource, EntitySchema } from "typeorm";

import type { Bookings, OpenBookings } from "./bookings.ts";

interface BookingRow {
  readonly id: number;
  readonly request: string;
  readonly service: string;
}

const Booking = new EntitySchema<BookingRow>({
  name: "booking",
  columns: {
    id: { type: Number, primary: true, generated: true },
    request: { type: String },
    service: { type: String },
  },
});

/** The demo's TypeORM service. The policy is one call around the options, and nothing else. */
export async function openTypeormBookings(open: OpenBookings): Promise<Bookings> {
  const options = { type: "postgres" as const, url: open.url, entities: [Booking] };
  const dataSource = new DataSource(
    open.policy === undefined ? options : withPolicy(options, open.policy),
  );
  await dataSource.initialize();
  const bookings = dataSource.getRepository(Booking);
  const row = (request: string) => ({ request, service: open.service });

  return {
    async write(label) {
      await bookings.insert(row(label));
    },
    async block(labels) {
      await dataSource.transaction(async (manager) => {
        for (const label of labels) await manager.insert(Booking, row(label));
      });
    },
    async throwing(label) {
      await dataSource.transaction(async (manager) => {
        await manager.insert(Booking, row(label));
        throw new Error("card declined");
      });
    },
    async swallowing(label) {
      await dataSource.transaction(async (manager) => {
        await manager.insert(Booking, row(label));
        await manager.insert(Booking, row(label)).catch(() => "already booked, never mind");
      });
    },
    async leaking(label) {
      // The classic: an early return between startTransaction() and release().
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.insert(Booking, row(label));
    },
    async bareBegin() {
      await dataSource.query("BEGIN");
    },
    async close() {
      await dataSource.destroy();
    },
  };
}
