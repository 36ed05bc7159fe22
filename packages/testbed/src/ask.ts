import { TestbedError, type TestbedErrorCode } from "./errors.ts";
import {
  ConnectionClosed,
  openSimpleClient,
  ServerRefusal,
  type SimpleTarget,
  type TextRow,
} from "./wire/simple-client.ts";

/** Runs one text over a connection of its own, so that nothing of ours stays in the server's lists. */
export async function ask(
  target: SimpleTarget,
  text: string,
  code: Extract<TestbedErrorCode, "testbed/admin-command-failed" | "testbed/sql-failed">,
): Promise<TextRow[]> {
  try {
    const client = await openSimpleClient(target);
    try {
      return await client.query(text);
    } finally {
      await client.close();
    }
  } catch (error) {
    // The last thing a server does on SHUTDOWN is to close the connection.
    if (error instanceof ConnectionClosed && /^\s*shutdown/i.test(text)) return [];
    const said = error instanceof Error ? error.message : String(error);
    const state = error instanceof ServerRefusal ? ` (${error.sqlState})` : "";
    throw new TestbedError(
      code,
      `The server answered: ${said}${state}.`,
      "Look at the server's log with `logs.since()`.",
      error,
    );
  }
}
