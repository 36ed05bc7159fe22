import { createServer } from "node:http";

import { book, bookingsOf, prisma } from "./bookings.ts";

const server = createServer((request, response) => {
  const service =
    new URL(request.url ?? "/", "http://localhost").searchParams.get("service") ?? "hall";
  const work = request.method === "POST" ? book(service, ["evening"]) : bookingsOf(service);
  work.then(
    (result) => response.end(JSON.stringify(result ?? "booked")),
    (error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? error.message : "failed");
    },
  );
});
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1");

process.once("SIGTERM", () => {
  server.close(() => void prisma.$disconnect());
});
