import type { Face } from "./face.ts";
import type { Signature } from "./fault.ts";

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** True where everything that the signature asks for holds. */
export function matches(signature: Signature, face: Face): boolean {
  return (
    codeFits(signature, face) &&
    (signature.from !== "pooler" || face.routine === undefined) &&
    (signature.routine === undefined || face.routine === signature.routine) &&
    (signature.names === undefined || signature.names.includes(face.name ?? "")) &&
    (signature.text === undefined || signature.text.test(face.text)) &&
    (signature.detail === undefined || signature.detail.test(face.detail ?? ""))
  );
}

/** The setting or option that the text names, where it is a plain identifier; anything else is not repeated. */
export function nameIn(signature: Signature, face: Face): string | undefined {
  const name = signature.text?.exec(face.text)?.groups?.["name"];
  return name !== undefined && /^[A-Za-z_][\w.]{0,62}$/.test(name) ? name : undefined;
}

function codeFits({ codes, from, text }: Signature, { code, severity }: Face): boolean {
  // Prisma's engine prints a refused login as "FATAL: …" and loses the SQLSTATE: the text alone tells.
  if (from === "pooler" && code === undefined) return severity !== undefined && text !== undefined;
  if (codes !== undefined) return code !== undefined && codes.includes(code);
  // Errors of the driver itself have no code; of some poolers no SQLSTATE is documented.
  return from === "client" ? code === undefined : code !== undefined && SQLSTATE.test(code);
}
