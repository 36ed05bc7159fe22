import { conformance } from "./conformance.ts";

conformance("odyssey-1.5");
