import { isRecord } from "../is-record.ts";
import { type DayRequest, isRequestKind } from "./day.ts";

/** What a service answers to one request. */
export interface Answer {
  /** Rows whose COMMIT, or whose statement outside any block, resolved without error. */
  readonly acknowledged: readonly string[];
  /** Rows written in a block that the request left open. */
  readonly leftOpen: readonly string[];
  /** What the application would have told its caller. */
  readonly error?: string;
}

/** What a service tells the demo over the IPC channel. */
export type ServiceMessage =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "violation"; readonly rule: string; readonly action: string };

/** Reads a message of the IPC channel; `undefined` for what is none of ours. */
export function serviceMessageFrom(value: unknown): ServiceMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, port, rule, action } = value;
  if (kind === "listening" && typeof port === "number") return { kind, port };
  if (kind === "violation" && typeof rule === "string" && typeof action === "string") {
    return { kind, rule, action };
  }

  return undefined;
}

/** Reads the body of a request; throws for a text that is none. */
export function requestFrom(text: string): DayRequest {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || typeof value["label"] !== "string" || !isRequestKind(value["kind"])) {
    throw new Error("The body is not a request of the demo.");
  }

  return { label: value["label"], kind: value["kind"] };
}

/** Reads an answer; throws for a text that is none. */
export function answerFrom(text: string): Answer {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || !isTexts(value["acknowledged"]) || !isTexts(value["leftOpen"])) {
    throw new Error("The service answered something that is not an answer.");
  }
  const { acknowledged, leftOpen, error } = value;

  return typeof error === "string" ? { acknowledged, leftOpen, error } : { acknowledged, leftOpen };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
