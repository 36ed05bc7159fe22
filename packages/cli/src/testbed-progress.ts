import type { ProgressEvent, ProgressStep } from "@doorpolicy/testbed";

const STEPS: Readonly<Record<ProgressStep, string>> = {
  "find-postgres": "Looking for PostgreSQL",
  "fetch-postgres": "Fetching PostgreSQL",
  "find-pooler": "Looking for the pooler",
  "fetch-pooler": "Fetching the pooler",
  "build-pooler": "Building the pooler",
  "make-certificates": "Making certificates",
  "create-database": "Creating a database",
  "start-postgres": "Starting PostgreSQL",
  "start-pooler": "Starting the pooler",
  ready: "Servers are ready",
};

/** A step of the testbed in words. */
export function progressText({ step, detail }: ProgressEvent): string {
  return detail === undefined ? STEPS[step] : `${STEPS[step]}: ${detail}`;
}
