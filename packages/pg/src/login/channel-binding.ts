import { hash } from "node:crypto";

/**
 * Hash of a certificate's signature, by the DER of the algorithm's OID. MD5 and SHA-1 count as SHA-256
 * ([RFC 5929, 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).
 */
const HASHES: Readonly<Record<string, "sha256" | "sha384" | "sha512">> = {
  // RSA, PKCS #1 v1.5: 1.2.840.113549.1.1.n
  "2a864886f70d010104": "sha256",
  "2a864886f70d010105": "sha256",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  // ECDSA: 1.2.840.10045.4.1 and 1.2.840.10045.4.3.n
  "2a8648ce3d0401": "sha256",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};

const HEADER = "p=tls-server-end-point,,";
const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;

/**
 * What binds a SCRAM login to the server's certificate (`tls-server-end-point`); `undefined` for a
 * certificate whose signature algorithm is none of the usual ones.
 */
export function endPointBinding(certificate: Buffer | undefined): Buffer | undefined {
  const algorithm = certificate && HASHES[signatureAlgorithmOf(certificate) ?? ""];
  if (certificate === undefined || algorithm === undefined) return undefined;
  return Buffer.concat([Buffer.from(HEADER), hash(algorithm, certificate, "buffer")]);
}

/** `Certificate ::= SEQUENCE { tbsCertificate, SEQUENCE { algorithm OID, … }, signature }`. */
function signatureAlgorithmOf(certificate: Buffer): string | undefined {
  const whole = elementAt(certificate, 0, SEQUENCE);
  const tbs = whole && elementAt(certificate, whole.start, SEQUENCE);
  const algorithm = tbs && elementAt(certificate, tbs.end, SEQUENCE);
  const oid = algorithm && elementAt(certificate, algorithm.start, OBJECT_IDENTIFIER);
  return oid && certificate.toString("hex", oid.start, oid.end);
}

/** Where the content of a DER element lies, if it has this tag and does not reach beyond the certificate. */
function elementAt(
  der: Buffer,
  at: number,
  tag: number,
): { readonly start: number; readonly end: number } | undefined {
  const first = der[at + 1];
  // DER has no open-ended lengths (0x80).
  if (der[at] !== tag || first === undefined || first === 0x80) return undefined;
  // Below 128 it is the length, else how many bytes hold it.
  const bytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + bytes;
  if (bytes > 4 || start > der.length) return undefined;
  const end = start + (bytes === 0 ? first : der.readUIntBE(at + 2, bytes));
  return end > der.length ? undefined : { start, end };
}
