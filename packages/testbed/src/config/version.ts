/** `"1.24.1"` → `[1, 24, 1]`; parts that are not there are 0. */
function partsOf(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return [major, minor, patch];
}

/** Whether `version` is `floor` or newer. */
export function isAtLeast(version: string, floor: string): boolean {
  const left = partsOf(version);
  const right = partsOf(floor);
  for (const index of [0, 1, 2] as const) {
    if (left[index] !== right[index]) return left[index] > right[index];
  }
  return true;
}

/** Whether `version` is what was asked for: `"1.24"` takes any 1.24, `"1.24.1"` only that one. */
export function fits(version: string, asked: string): boolean {
  return version === asked || version.startsWith(`${asked}.`);
}

/** The first version number in what a program says about itself. */
export function versionIn(text: string): string | undefined {
  return /\b(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];
}
