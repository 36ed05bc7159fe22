import { conformance } from "./conformance.ts";

conformance("direct");
