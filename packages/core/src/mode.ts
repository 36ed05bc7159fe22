/** What a target does about a violation. DESIGN: observe reports, enforce acts, bypass only names and caps. */
export type Mode = "observe" | "enforce" | "bypass";

/** A route to one database: through the pooler, around it, or to a read replica. */
export type Lane = "pooled" | "direct" | "replica";
