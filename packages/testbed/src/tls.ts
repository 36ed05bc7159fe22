import { TestbedError } from "./errors.ts";
import { runCommand } from "./run/command.ts";
import type { Workspace } from "./run/workspace.ts";

/** Files of the certificates that both servers show. */
export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const EXTENSIONS = `subjectAltName = IP:127.0.0.1, DNS:localhost
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = serverAuth
`;

const CA_CONFIG = `[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = doorpolicy testbed CA
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

/**
 * Makes a CA and a server certificate that last ten days, with the `openssl` program: Node can read
 * certificates and not make them. Throws `testbed/openssl-not-found`.
 */
export async function makeCertificates(
  workspace: Workspace,
  signal?: AbortSignal,
): Promise<Certificates> {
  const paths = {
    caKey: await workspace.write("ca.key", ""),
    caFile: await workspace.write("ca.crt", ""),
    caConfig: await workspace.write("ca.cnf", CA_CONFIG),
    keyFile: await workspace.write("server.key", ""),
    request: await workspace.write("server.csr", ""),
    certFile: await workspace.write("server.crt", ""),
    extensions: await workspace.write("server.ext", EXTENSIONS),
  };
  const { caKey, caFile, caConfig, keyFile, request, certFile, extensions } = paths;
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  const steps = [
    [`req -x509 ${key} -days 10`, { config: caConfig, keyout: caKey, out: caFile }],
    [`req -new ${key} -subj /CN=localhost`, { keyout: keyFile, out: request }],
    [
      "x509 -req -days 10 -set_serial 1",
      { in: request, CA: caFile, CAkey: caKey, extfile: extensions, out: certFile },
    ],
  ] as const;
  for (const [command, files] of steps) {
    const named = Object.entries(files).flatMap(([option, file]) => [`-${option}`, file]);
    const args = [...command.split(" "), ...named];
    const { code, stderr } = await runCommand("openssl", args, { cwd: workspace.dir, signal });
    if (code !== 0) {
      throw new TestbedError(
        "testbed/openssl-not-found",
        code === 127
          ? "TLS was asked for, and there is no `openssl` program to make certificates with."
          : `TLS was asked for, and openssl could not make certificates: ${stderr.trim().split("\n").at(-1) ?? ""}`,
        "Install openssl, or leave `tls` out.",
      );
    }
  }
  return { caFile, certFile, keyFile };
}
