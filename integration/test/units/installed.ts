import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const PACKAGES = ["core", "pg", "typeorm"] as const;

/** An application with packages of its own, as npm installs them. */
interface Installation {
  /** As CommonJS asks for it. */
  require(name: string): unknown;
  /** As an ES module asks for it. */
  import(name: string): Promise<unknown>;
}

/** Several applications side by side, each with built copies of its own. Removed at the end. */
export interface Installations extends AsyncDisposable {
  readonly apps: readonly Installation[];
}

/** Builds the packages as they are published, and installs them `count` times. */
export async function install(count: number): Promise<Installations> {
  const folder = await mkdtemp(join(tmpdir(), "doorpolicy-installed-"));
  const built = join(folder, "built");
  await Promise.all(PACKAGES.map((name) => build(name, join(built, name))));
  const apps = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const app = join(folder, `app-${index}`);
      const scope = join(app, "node_modules", "@doorpolicy");
      await mkdir(scope, { recursive: true });
      await cp(built, scope, { recursive: true });
      return installation(app);
    }),
  );
  return {
    apps,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function build(name: string, folder: string): Promise<void> {
  const source = join(ROOT, "packages", name);
  const tsdown = join(ROOT, "node_modules", ".bin", "tsdown");
  const out = join(folder, "dist");
  await promisify(execFile)(tsdown, ["--out-dir", out, "--no-dts", "--no-sourcemap"], {
    cwd: source,
  });
  const manifest = JSON.stringify({
    name: `@doorpolicy/${name}`,
    type: "module",
    exports: {
      ".": { import: "./dist/index.js", require: "./dist/index.cjs" },
      "./package.json": "./package.json",
    },
  });
  await writeFile(join(folder, "package.json"), manifest);
}

function installation(app: string): Installation {
  const require = createRequire(join(app, "index.cjs"));
  return {
    require: (name) => require(name),
    // The condition "require" names the CommonJS file; its neighbour is what "import" names.
    import: (name) =>
      import(
        /* @vite-ignore */ pathToFileURL(require.resolve(name).replace(/\.cjs$/u, ".js")).href
      ),
  };
}
