// oxlint-disable-next-line import/no-default-export -- the CLI reads the default export
export { policy as default } from "./db-policy.ts";
