import { PgInstrumentation } from "@opentelemetry/instrumentation-pg";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-node";
import type * as Pg from "pg";
import { ownPg } from "./pg-copy.ts";

const empty = new InMemorySpanExporter();

/** Takes spans and sends them nowhere: what a collector costs is not the question. */
const nowhere: SpanExporter = {
  export: (_, done) => empty.export([], done),
  shutdown: () => empty.shutdown(),
};

/** A copy of node-postgres as OpenTelemetry patches it, every statement sampled and exported in batches. */
export function instrumentedPg(): typeof Pg {
  const provider = new NodeTracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(nowhere)],
  });
  provider.register();
  // Left on, it would also patch every copy that is loaded after this one.
  const instrumentation = new PgInstrumentation({ enabled: false });
  instrumentation.setTracerProvider(provider);
  const copy = ownPg();
  for (const definition of instrumentation.getModuleDefinitions()) {
    if (definition.name === "pg") definition.patch?.(copy);
  }
  return copy;
}
