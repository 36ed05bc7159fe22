import { createServer } from "node:http";

import { bill, dataSource, invoicesOf } from "./invoices.ts";

await dataSource.initialize();

const server = createServer((request, response) => {
  const customer =
    new URL(request.url ?? "/", "http://localhost").searchParams.get("customer") ?? "nobody";
  const work = request.method === "POST" ? bill(customer, [1_000]) : invoicesOf(customer);
  work.then(
    (result) => response.end(JSON.stringify(result ?? "billed")),
    (error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? error.message : "failed");
    },
  );
});
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1");

process.once("SIGTERM", () => {
  server.close(() => void dataSource.destroy());
});
