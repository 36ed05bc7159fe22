import { existsSync } from "node:fs";
import { join } from "node:path";

import { docsUrl } from "@doorpolicy/core";

/**
 * Where whoever reads the report finds a page of the documentation: the file itself where it lies
 * below the working directory, and its address everywhere else, since no package carries the pages.
 */
export function docsPage(page: string, cwd: string): string {
  return existsSync(join(cwd, page)) ? page : docsUrl(page);
}
