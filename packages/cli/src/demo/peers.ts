import { createRequire } from "node:module";

const NEEDED = ["pg", "typeorm", "@prisma/client", "@prisma/adapter-pg"] as const;

/** What the demo needs and this installation lacks; the command does without them until it runs. */
export function missingPeers(): string[] {
  const { resolve } = createRequire(import.meta.url);

  return NEEDED.filter((name) => {
    try {
      resolve(name);
      return false;
    } catch {
      return true;
    }
  });
}
