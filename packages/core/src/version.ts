/** Major, minor and patch of a pooler. */
export type Version = readonly [major: number, minor: number, patch: number];

/** True for a text such as `1.24` or `1.26.1`. */
export function isVersion(text: string): boolean {
  return /^\d{1,4}(\.\d{1,4}){1,2}$/u.test(text);
}

/** Reads a text that {@link isVersion} accepts; `1.19` is `1.19.0`: what a team did not say is not assumed. */
export function versionOf(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
  return [major, minor, patch];
}

/** Whether a version is the wanted one or a later one. */
export function isAtLeast(version: Version, least: Version): boolean {
  for (const [index, part] of version.entries()) {
    const wanted = least[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
