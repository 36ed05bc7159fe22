import { writeFile } from "node:fs/promises";
import { dockerFiles } from "./files.ts";

// Run by `npm run generate -w @doorpolicy/testbed`; a test holds the committed files against this.
for (const [name, text] of Object.entries(dockerFiles())) {
  await writeFile(new URL(name, import.meta.url), text);
}
