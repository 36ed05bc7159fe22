const REPOSITORY = "https://github.com/doorpolicy/doorpolicy/blob/main/";

/** The address of a page of the documentation, `docs/errors/policy/invalid.md`: no package carries the pages. */
export function docsUrl(page: string): string {
  return `${REPOSITORY}${page}`;
}
