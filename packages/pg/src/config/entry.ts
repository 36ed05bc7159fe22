/** The entry of a table under a name from outside; nothing for what every object has, such as `constructor`. */
export function entryOf<Value>(
  table: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
