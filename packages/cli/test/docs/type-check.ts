import { readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

import { ROOT } from "../doorpolicy.ts";
import { type Block, compilable } from "./blocks.ts";

/** What every block may use without a declaration of its own. */
const NAMES = join(ROOT, "docs/names.d.ts");

/** Where packages are found that the blocks import: here are all ORMs. */
const FOLDER = join(ROOT, "packages/cli/test/docs");

/**
 * What the compiler says of the blocks, as `page:line: message`, against the types that the packages are
 * published with. Each is a module of its own.
 */
export function problemsOf(blocks: readonly Block[]): readonly string[] {
  const files = new Map(
    blocks.map((block, index) => [join(FOLDER, `block-${index}.ts`), block] as const),
  );
  const options = { ...repositoryOptions(), customConditions: [], moduleDetection: FORCE };
  const host = ts.createCompilerHost(options);
  const isOnDisk = host.fileExists.bind(host);
  const fromDisk = host.getSourceFile.bind(host);
  host.fileExists = (name) => files.has(name) || isOnDisk(name);
  host.getSourceFile = (name, version, onError, isFresh) => {
    const block = files.get(name);
    return block === undefined
      ? fromDisk(name, version, onError, isFresh)
      : ts.createSourceFile(name, held(name, compilable(block)), version);
  };
  const program = ts.createProgram([NAMES, ...files.keys()], options, host);
  return [NAMES, ...files.keys()].flatMap((name) => {
    const source = program.getSourceFile(name);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map((diagnostic) => said(diagnostic, files.get(name)));
  });
}

/**
 * The same code with each policy held against its type. `definePolicy` infers the type of what it is given, so that
 * a key which is mistyped beside right ones is no error to the compiler, only when it runs.
 */
function held(name: string, code: string): string {
  const ends: number[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const [given] = node.arguments;
      if (node.expression.text === "definePolicy" && given) ends.push(given.end);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, code, ts.ScriptTarget.Latest));
  return ends
    .toSorted((one, other) => other - one)
    .reduce((text, end) => `${text.slice(0, end)}${HELD}${text.slice(end)}`, code);
}

const HELD = ' satisfies import("@doorpolicy/core").Policy';

const FORCE = ts.ModuleDetectionKind.Force;

/** The repository's own strictness. */
function repositoryOptions(): ts.CompilerOptions {
  const { config }: { config?: { compilerOptions?: unknown } } = ts.parseConfigFileTextToJson(
    "tsconfig.json",
    readFileSync(join(ROOT, "tsconfig.json"), "utf8"),
  );
  return ts.convertCompilerOptionsFromJson(config?.compilerOptions, ROOT).options;
}

function said(diagnostic: ts.Diagnostic, block: Block | undefined): string {
  const { file, start = 0, messageText, code } = diagnostic;
  const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line;
  const place =
    block === undefined ? `docs/names.d.ts:${line + 1}` : `${block.page}:${block.line + line}`;
  return `${place}: TS${code} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
}
