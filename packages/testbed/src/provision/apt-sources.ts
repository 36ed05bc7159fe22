import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** One archive that this machine's apt already uses. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Path of the keyring, or the key itself over several lines, as the machine has it. */
  readonly signedBy?: string;
}

/** Reads every enabled `deb` source of this machine, in both of apt's formats. */
export async function readAptSources(etc = "/etc/apt"): Promise<AptSource[]> {
  const parts = join(etc, "sources.list.d");
  const names = await readdir(parts).catch(() => []);
  const files = [
    join(etc, "sources.list"),
    ...names.toSorted((left, right) => left.localeCompare(right)).map((name) => join(parts, name)),
  ];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".list")) sources.push(...parseOneLine(text));
    else if (file.endsWith(".sources")) sources.push(...parseDeb822(text));
  }
  return sources;
}

/** `deb [signed-by=…] http://… bookworm main` lines. */
export function parseOneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    return [
      { uri, suite, components: words(components), ...(signedBy !== undefined && { signedBy }) },
    ];
  });
}

/** Stanzas of `Types:`, `URIs:`, `Suites:` … with continuation lines and comments. */
export function parseDeb822(text: string): AptSource[] {
  const withoutComments = text.split("\n").filter((line) => !line.startsWith("#"));
  return withoutComments
    .join("\n")
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = fieldsOf(stanza);
      if (!words(fields["types"]).includes("deb")) return [];
      if (/^(no|false|0|off|without|disable)$/i.test(fields["enabled"]?.trim() ?? "")) return [];
      const signedBy = signature(fields["signed-by"]);
      return words(fields["uris"]).flatMap((uri) =>
        words(fields["suites"]).map((suite) => ({
          uri,
          suite,
          components: words(fields["components"]),
          ...(signedBy !== undefined && { signedBy }),
        })),
      );
    });
}

/**
 * The sources of a mirror, by whatever name it goes here, with only the suite exchanged. Security and
 * update archives are other archives with other suites: they are left out.
 */
export function withSuite(sources: readonly AptSource[], suite: string): AptSource | undefined {
  const main = sources.find(
    (source) =>
      source.components.includes("main") &&
      /^[a-z]+$/.test(source.suite) &&
      !/security/.test(source.uri),
  );
  return main && { ...main, suite, components: ["main"] };
}

/** The deb822 text of private sources; an archive whose Release file has expired is accepted here only. */
export function sourcesText(sources: readonly AptSource[]): string {
  return sources
    .map(({ uri, suite, components, signedBy }) =>
      [
        "Types: deb",
        `URIs: ${uri}`,
        `Suites: ${suite}`,
        `Components: ${components.join(" ")}`,
        "Check-Valid-Until: no",
        ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
        "",
      ].join("\n"),
    )
    .join("\n");
}

function fieldsOf(stanza: string): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  let name = "";
  for (const line of stanza.split("\n")) {
    const match = /^([A-Za-z-]+):(.*)$/.exec(line);
    if (match !== null) {
      name = (match[1] ?? "").toLowerCase();
      fields[name] = match[2] ?? "";
    } else if (name !== "") fields[name] = `${fields[name] ?? ""}\n${line}`;
  }
  return fields;
}

/** A path on one line; a key keeps its lines and their indentation, which apt needs. */
function signature(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  return value.includes("\n") ? value.trimEnd() : value.trim();
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
