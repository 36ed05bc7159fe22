/**
 * What the examples of these pages take for granted: an application's own objects, and names that a page has
 * imported further up. A test type-checks every example with them.
 */
// oxlint-disable typescript/consistent-type-imports -- with an import of its own it would be a module, and declare nothing.

/** Stands where a page writes `…`. */
// oxlint-disable-next-line typescript/no-explicit-any -- whatever fits there
declare const omitted: any;

// Ours
declare const { definePolicy, env }: typeof import("@doorpolicy/core");
declare const { allowing, transaction, unitOfWork }: typeof import("@doorpolicy/pg");
declare const policy: import("@doorpolicy/core").Policy;

declare module "*/db-policy.ts" {
  export const policy: import("@doorpolicy/core").Policy;
}

declare module "@acme/door-policy" {
  export const policy: import("@doorpolicy/core").Policy;
}

// Prisma
declare const PrismaClient: typeof import("../packages/cli/src/demo/generated/client.ts").PrismaClient;
declare const prisma: {
  readonly audit: { create(args: { data: { note: string } }): Promise<unknown> };
  readonly invoice: { findMany(): Promise<readonly unknown[]> };
};

declare module "*/generated/client.ts" {
  export const PrismaClient: typeof import("../packages/cli/src/demo/generated/client.ts").PrismaClient;
}

// TypeORM
interface Row {
  readonly id: string;
}
declare const dataSource: import("typeorm").DataSource;
declare const invoices: import("typeorm").Repository<Row>;
declare const customers: import("typeorm").Repository<Row>;
declare const orders: import("typeorm").Repository<Row>;
declare const backlog: import("typeorm").Repository<Row>;
declare const tenants: import("typeorm").Repository<Row>;
declare const invoice: Row & { readonly number: string };
declare const order: Row;

// The rest of the application
interface IncomingRequest {
  readonly tenant: string;
}
declare const app: {
  get(
    path: string,
    handler: (
      request: IncomingRequest,
      response: { json(body: unknown): void },
      next: (error: unknown) => void,
    ) => void,
  ): void;
};
declare const server: import("node:http").Server;
declare const queue: { publish(...message: readonly string[]): Promise<void> };
declare const log: { error(entry: object): void };
declare const request: IncomingRequest;
declare const id: string;
declare const tenant: string;
declare const tenantId: string;
declare const error: unknown;
declare function fn(): Promise<void>;
declare function handle(request: IncomingRequest): Promise<void>;
declare function later(): Promise<void>;
declare function lookForTheKey(): Promise<void>;
declare function refresh(payload: string | undefined): void;
declare function refreshAll(): Promise<void>;
declare function report(signal: AbortSignal): Promise<void>;
declare function schemaOf(tenant: string): string;
declare function sendToWarehouse(order: Row): Promise<void>;
