/** The command-line form of startup parameters, taken apart. */
export interface StartupOptions {
  /** `-c name=value` and `--name=value`, in order. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  /** Switches of any other kind, such as `-B`; PgBouncer refuses them in every version. */
  readonly switches: readonly string[];
}

/**
 * Reads the startup parameter `options` (also `PGOPTIONS`) as Postgres does: words divided by blanks,
 * a backslash keeps the next character, dashes in a name are underscores.
 */
export function readStartupOptions(text: string): StartupOptions {
  const parameters: { name: string; value: string }[] = [];
  const switches: string[] = [];
  const words = wordsOf(text);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const setting =
      word === "-c"
        ? (words[++index] ?? "")
        : /^(?:-c|--)(?<setting>.+)$/su.exec(word)?.groups?.["setting"];
    const equals = setting?.indexOf("=") ?? -1;
    if (setting === undefined || equals <= 0) {
      switches.push(word);
      continue;
    }
    parameters.push({
      name: setting.slice(0, equals).replaceAll("-", "_"),
      value: setting.slice(equals + 1),
    });
  }
  return { parameters, switches };
}

/** `pg_split_opts` of Postgres. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:\\.|[^\s\\]|\\$)+/gsu) ?? [];
  return words.map((word) => word.replaceAll(/\\(.)/gsu, "$1"));
}
