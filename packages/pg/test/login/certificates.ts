import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A CA that no server knows, and a certificate of a client that it has signed. */
export interface ClientCertificates extends AsyncDisposable {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Writes another file beside them that servers may read. */
  write(name: string, text: string): Promise<string>;
}

/** Makes a CA and a client certificate for a role, with the `openssl` program. */
export async function makeClientCertificates(role: string): Promise<ClientCertificates> {
  const dir = await mkdtemp(join("/tmp", "doorpolicy-login-"));
  // The servers run as another user where this process is root.
  await chmod(dir, 0o755);
  const at = (name: string): string => join(dir, name);
  const openssl = (command: string): Promise<unknown> =>
    run("openssl", command.split(" "), { cwd: dir });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  await openssl(`req -x509 ${key} -days 2 -subj /CN=clients -keyout ca.key -out ca.crt`);
  await openssl(`req -new ${key} -subj /CN=${role} -keyout client.key -out client.csr`);
  await openssl(
    "x509 -req -days 2 -set_serial 1 -in client.csr -CA ca.crt -CAkey ca.key -out client.crt",
  );
  const read = (name: string): Promise<string> => readFile(at(name), "utf8");
  return {
    caFile: at("ca.crt"),
    certFile: at("client.crt"),
    keyFile: at("client.key"),
    ca: await read("ca.crt"),
    cert: await read("client.crt"),
    key: await read("client.key"),
    async write(name, text) {
      await writeFile(at(name), text, { mode: 0o644 });
      await chmod(at(name), 0o644);
      return at(name);
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
