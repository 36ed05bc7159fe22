/**
 * Takes connection URLs out of a text that somebody else wrote, such as the message of an error that
 * a module threw.
 *
 * The rest of the line goes with the URL: a password may hold spaces, and what is lost is less than
 * what might be shown.
 */
export function scrubbed(text: string): string {
  return text.replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\n"'`]*/gi, (url) =>
    /^(?:file|https?|node):/i.test(url) && !url.includes("@") ? url : "[connection URL]",
  );
}
