import { decodeText, splitUrl } from "./parameters.ts";

/** Who a URL logs in as. */
export interface UrlCredentials {
  readonly user: string | undefined;
  /** In clear: to be compared, and never to be shown. */
  readonly password: string | undefined;
}

/**
 * User name and password of a connection URL, decoded; the parameters `user` and `password` win over what
 * stands in front of the host, unless they are empty, as in pg (`pg-connection-string`). What is empty is absent.
 *
 * @throws PolicyError `url/unsupported` when it is not a connection URL.
 */
export function credentialsOf(url: string): UrlCredentials {
  const { authority, query = "" } = splitUrl(url);
  const at = authority.lastIndexOf("@");
  const who = at < 0 ? "" : authority.slice(0, at);
  const colon = who.indexOf(":");
  const parameter = (name: string): string | undefined => {
    const pair = query.split("&").findLast((one) => one.startsWith(`${name}=`));
    return pair === undefined ? undefined : decodeText(pair.slice(name.length + 1), true);
  };
  const user = decodeText(colon < 0 ? who : who.slice(0, colon));
  const password = colon < 0 ? "" : decodeText(who.slice(colon + 1));
  return {
    user: given(parameter("user")) ?? given(user),
    password: given(parameter("password")) ?? given(password),
  };
}

function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
