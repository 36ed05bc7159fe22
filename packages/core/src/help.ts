/** The help for one setting; options that no policy has touched are better put under it as a whole. */
export function helpOf(remedy: string | undefined, help: string): string {
  return remedy === undefined
    ? help
    : `${remedy}, or ${help.charAt(0).toLowerCase()}${help.slice(1)}`;
}
