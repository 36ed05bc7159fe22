import { invalid } from "./options.ts";

/** `NAMEDATALEN - 1`: PostgreSQL cuts a longer name at `LISTEN` and refuses it at `NOTIFY`. */
const MAX_NAME_BYTES = 63;

/**
 * `LISTEN` for some channels, in one text. Each name is taken literally, quotes, spaces and capitals
 * included, as `pg_notify(name, payload)` takes it; `NOTIFY Jobs` without quotes sends to `jobs`.
 *
 * @throws PolicyError `direct/invalid` for no channel at all, and for what is no name of one.
 */
export function listenText(channels: readonly unknown[]): string {
  if (channels.length === 0) {
    throw invalid("channels", "`listen()` got no channel.", "Pass the name of at least one.");
  }
  return channels.map((name, index) => `LISTEN ${quoted(name, index)}`).join("; ");
}

function quoted(name: unknown, index: number): string {
  const isName =
    typeof name === "string" &&
    name !== "" &&
    !name.includes("\0") &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES;
  if (isName) return `"${name.replaceAll('"', '""')}"`;
  throw invalid(
    `channels[${index}]`,
    `\`channels[${index}]\` is no name of a channel: PostgreSQL takes 1 to ${MAX_NAME_BYTES} bytes.`,
    "Pass a text of that length.",
  );
}
