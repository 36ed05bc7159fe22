import { isPolicy, type Policy, type ResolvedPolicy } from "@doorpolicy/core";

import { isRecord } from "../is-record.ts";
import type { ModuleExports } from "./load-module.ts";

/** Something that a module exports and that can be judged. */
export type Subject = SubjectBase &
  (
    | { readonly kind: "policy"; readonly policy: Policy | ResolvedPolicy }
    | { readonly kind: "typeorm"; readonly options: { readonly type: string } }
    | { readonly kind: "prisma"; readonly options: Readonly<Record<string, unknown>> }
    | { readonly kind: "pg"; readonly config: Readonly<Record<string, unknown>> }
  );

interface SubjectBase {
  /** The export it was found under. */
  readonly exportName: string;
  /** In the file's words, such as `export connections[0]`. */
  readonly subject: string;
}

/** Everything in the exports of a module that can be judged; each object once, under its first name. */
export function subjectsOf(exported: ModuleExports): Subject[] {
  const seen = new Set<unknown>();
  const entries = Object.entries(withInnerExports(exported)).flatMap(([exportName, value]) => {
    const subject = `export ${exportName}`;
    if (Array.isArray(value)) {
      return value.map((item: unknown, index) => ({
        exportName,
        subject: `${subject}[${index}]`,
        value: item,
      }));
    }
    return [{ exportName, subject, value }];
  });

  return entries.flatMap(({ exportName, subject, value }) => {
    const found = recognise(value);
    if (found === undefined || seen.has(value)) return [];
    seen.add(value);
    return [{ exportName, subject, ...found }];
  });
}

/** `module.exports = { first, second }` arrives as one default export. */
function withInnerExports(exported: ModuleExports): ModuleExports {
  const { default: inner } = exported;

  return isRecord(inner) && recognise(inner) === undefined ? { ...inner, ...exported } : exported;
}

type Recognised =
  | { readonly kind: "policy"; readonly policy: Policy | ResolvedPolicy }
  | { readonly kind: "typeorm"; readonly options: { readonly type: string } }
  | { readonly kind: "prisma"; readonly options: Readonly<Record<string, unknown>> }
  | { readonly kind: "pg"; readonly config: Readonly<Record<string, unknown>> };

/** By shape and not by class: the project's ORM is not this program's. */
function recognise(value: unknown): Recognised | undefined {
  if (isResolvedPolicy(value) || isPolicy(value)) return { kind: "policy", policy: value };
  if (!isRecord(value)) return undefined;

  const options = isDataSource(value) ? value["options"] : value;
  if (isPostgresOptions(options)) return { kind: "typeorm", options };
  if (isPrismaAdapter(value)) return { kind: "prisma", options: { adapter: value } };
  if (isPrismaAdapter(value["adapter"])) return { kind: "prisma", options: value };
  const engineConfig = value["_engineConfig"];
  // A PrismaClient keeps what it was made with there (7.10); a client that does not is not judged.
  if (isRecord(engineConfig) && isPrismaAdapter(engineConfig["adapter"])) {
    const { adapter, transactionOptions } = engineConfig;
    return { kind: "prisma", options: { adapter, transactionOptions } };
  }
  if (isPool(value) && isRecord(value["options"])) return { kind: "pg", config: value["options"] };

  return undefined;
}

function isResolvedPolicy(value: unknown): value is ResolvedPolicy {
  return isRecord(value) && value["kind"] === "resolved-policy";
}

function isDataSource(value: Readonly<Record<string, unknown>>): boolean {
  return isRecord(value["options"]) && typeof value["initialize"] === "function";
}

function isPostgresOptions(value: unknown): value is { readonly type: string } {
  return isRecord(value) && value["type"] === "postgres";
}

function isPrismaAdapter(value: unknown): boolean {
  return (
    isRecord(value) && value["provider"] === "postgres" && typeof value["adapterName"] === "string"
  );
}

function isPool(value: Readonly<Record<string, unknown>>): boolean {
  return typeof value["totalCount"] === "number" && typeof value["connect"] === "function";
}
