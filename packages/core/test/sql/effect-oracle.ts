import {
  effectsIn,
  isOfReading,
  isReadable,
  isTree,
  operandOf,
  part,
  stringsOf,
  temporaryOf,
  textOf,
  type Tree,
} from "./call-oracle.ts";
import { oracleTrees } from "./oracle.ts";

/** The effects of each statement of a text by PostgreSQL's own parser; `undefined` when it refuses the text. */
export function oracleEffects(text: string): object[][] | undefined {
  return oracleTrees(text)?.map((stmt) => effectsOfTree(stmt));
}

type Teller = (stmt: Tree) => object[];

/** By the tag of the node. What stands in none of these tables is searched for calls. */
const TELLERS: Readonly<Record<string, Teller>> = {
  VariableSetStmt: settingOf,
  ConstraintsSetStmt: () => [{ kind: "set-transaction" }],
  TransactionStmt: () => [{ kind: "transaction-control" }],
  PrepareStmt: ({ name }) => [{ kind: "prepare", name }],
  ExecuteStmt: ({ name, params }) => [{ kind: "execute", name }, ...effectsIn(params)],
  DeallocateStmt: ({ isall, name }) => [
    { kind: "deallocate", name: isall === true ? "all" : name, isAll: isall === true },
  ],
  DiscardStmt: ({ target }) => [
    {
      kind: "discard",
      what: textOf(target ?? "DISCARD_ALL")
        .replace("DISCARD_", "")
        .toLowerCase(),
    },
  ],
  LoadStmt: () => [{ kind: "load" }],
  ListenStmt: ({ conditionname }) => [{ kind: "listen", channel: conditionname }],
  UnlistenStmt: ({ conditionname = "*" }) => [{ kind: "unlisten", channel: conditionname }],
  NotifyStmt: ({ conditionname }) => [{ kind: "notify", channel: conditionname }],
  DeclareCursorStmt: ({ options, portalname, query }) => [
    { kind: "cursor", name: portalname, isHeld: (Number(options) & 0x20) !== 0 },
    ...effectsIn(query),
  ],
  FetchStmt: ({ portalname }) => [{ kind: "fetch", name: portalname }],
  ClosePortalStmt: ({ portalname = "all" }) => [{ kind: "fetch", name: portalname }],
  LockStmt: () => [{ kind: "transaction-lock", call: "lock" }],
  CopyStmt: ({ filename, query, whereClause }) => [
    ...(filename === undefined ? [{ kind: "copy" }] : []),
    ...effectsIn([query, whereClause]),
  ],
  DoStmt: () => [{ kind: "opaque", by: "do", name: "do" }],
  CallStmt: ({ funccall }) => [
    { kind: "opaque", by: "call", name: stringsOf(part(funccall)["funcname"]).join(".") },
    ...effectsIn(part(funccall)["args"]),
  ],
  ExplainStmt: explained,
  CreateTableAsStmt: ({ into, query }) => [
    ...temporaryOf(part(into, "rel"), part(into)["onCommit"] === "ONCOMMIT_DROP"),
    ...("ExecuteStmt" in part(query) ? effectsOfTree(query) : effectsIn(query)),
  ],
  CreateStmt: tableOf,
  CreateForeignTableStmt: ({ base }) => tableOf(part(base)),
  ViewStmt: ({ view }) => temporaryOf(part(view), false),
  CreateSeqStmt: ({ sequence }) => temporaryOf(part(sequence), false),
  CompositeTypeStmt: ({ typevar }) => temporaryOf(part(typevar), false),
  CreateFunctionStmt: ({ funcname }) => inTemporarySchema(funcname),
  CreateEnumStmt: ({ typeName }) => inTemporarySchema(typeName),
  CreateRangeStmt: ({ typeName }) => inTemporarySchema(typeName),
  CreateDomainStmt: ({ domainname }) => inTemporarySchema(domainname),
  CreateConversionStmt: ({ conversion_name: name }) => inTemporarySchema(name),
  CreateStatsStmt: ({ defnames }) => inTemporarySchema(defnames),
  DefineStmt: ({ defnames, kind }) =>
    /AGGREGATE|TYPE|COLLATION/.test(textOf(kind)) ? inTemporarySchema(defnames) : [],
  AlterTableStmt: ({ cmds, objtype }) =>
    /^OBJECT_(?:FOREIGN_)?TABLE$/.test(textOf(objtype))
      ? [
          ...(isDetachedConcurrently(cmds)
            ? needs("ALTER TABLE DETACH PARTITION CONCURRENTLY")
            : []),
          ...effectsIn(cmds),
        ]
      : [],
  AlterDomainStmt: ({ def, subtype }) => (subtype === "T" ? [] : effectsIn(def)),
  IndexStmt: ({ concurrent }) => (concurrent === true ? needs("CREATE INDEX CONCURRENTLY") : []),
  DropStmt: ({ concurrent }) => (concurrent === true ? needs("DROP INDEX CONCURRENTLY") : []),
  CreatedbStmt: () => needs("CREATE DATABASE"),
  DropdbStmt: () => needs("DROP DATABASE"),
  CreateTableSpaceStmt: () => needs("CREATE TABLESPACE"),
  DropTableSpaceStmt: () => needs("DROP TABLESPACE"),
  AlterSystemStmt: () => needs("ALTER SYSTEM"),
  AlterDatabaseStmt: ({ options }) =>
    optionOf(options, "tablespace") === undefined ? [] : needs("ALTER DATABASE SET TABLESPACE"),
  CreateSubscriptionStmt: ({ options }) =>
    isOff(options, "connect") || isOff(options, "create_slot") ? [] : needs("CREATE SUBSCRIPTION"),
  DropSubscriptionStmt: () => needs("DROP SUBSCRIPTION"),
  AlterSubscriptionStmt: subscriptionOf,
  VacuumStmt: ({ is_vacuumcmd: isVacuum }) => (isVacuum === true ? needs("VACUUM") : []),
  ReindexStmt: reindexOf,
  ClusterStmt: ({ relation }) => (relation === undefined ? needs("CLUSTER") : []),
};

/** Statements with expressions in them that do not run, or not now. */
const NOTHING_RUNS = new Set(
  `RuleStmt CreateSchemaStmt CreateTrigStmt CreatePolicyStmt AlterPolicyStmt CreatePublicationStmt CreateCastStmt
  AlterPublicationStmt CreateExtensionStmt CreateEventTrigStmt CreateOpClassStmt CreateAmStmt CommentStmt RefreshMatViewStmt
  CreatePLangStmt CreateTransformStmt CreateForeignServerStmt AlterFunctionStmt AlterOwnerStmt RenameStmt`.split(
    /\s+/,
  ),
);

function effectsOfTree(stmt: unknown): object[] {
  const [tag = "", node] = Object.entries(part(stmt))[0] ?? [];
  if (NOTHING_RUNS.has(tag)) return [];
  const teller = Object.hasOwn(TELLERS, tag) ? TELLERS[tag] : undefined;
  return teller === undefined ? effectsIn(stmt) : teller(part(node));
}

function settingOf(stmt: Tree): object[] {
  const { args, is_local: isLocal, kind, name } = stmt;
  const scope = isLocal === true ? "transaction" : "session";
  if (kind === "VAR_RESET_ALL") return [{ kind: "set", parameter: "all", scope, by: "reset" }];
  const parameter = textOf(name).toLowerCase();
  if (kind === "VAR_RESET") {
    const told = isOfReading(parameter) ? { isReadable: false } : {};
    return [{ kind: "set", parameter, scope, by: "reset", ...told }];
  }
  if (kind !== "VAR_SET_MULTI") {
    const values = Object.values(part(args));
    const told = isOfReading(parameter)
      ? { isReadable: values.length === 1 && isReadable(operandOf(values[0])) }
      : {};
    return [{ kind: "set", parameter, scope, by: "set", ...told }];
  }
  if (name !== "SESSION CHARACTERISTICS") return [{ kind: "set-transaction" }];
  return Object.values(part(args)).map((mode) => ({
    kind: "set",
    parameter: `default_${textOf(part(mode, "DefElem")["defname"])}`,
    scope,
    by: "set",
  }));
}

function explained({ options, query }: Tree): object[] {
  const option = optionOf(options, "analyze") ?? optionOf(options, "analyse");
  const [tag] = Object.keys(part(query));
  if (tag === "ExecuteStmt") return effectsOfTree(query);
  if (option === undefined || isFalse(option)) return [];
  return tag === "DeclareCursorStmt"
    ? effectsIn(part(query, "DeclareCursorStmt")["query"])
    : effectsOfTree(query);
}

function tableOf({ oncommit, partbound, relation }: Tree): object[] {
  return [...temporaryOf(part(relation), oncommit === "ONCOMMIT_DROP"), ...effectsIn(partbound)];
}

function inTemporarySchema(list: unknown): object[] {
  const names = stringsOf(list);
  return temporaryOf({ relname: names.at(-1), schemaname: names.at(-2) }, false);
}

function isDetachedConcurrently(cmds: unknown): boolean {
  return Object.values(part(cmds)).some(
    (cmd) => part(cmd, "AlterTableCmd", "def", "PartitionCmd")["concurrent"] === true,
  );
}

function subscriptionOf({ kind, options }: Tree): object[] {
  const command = needs("ALTER SUBSCRIPTION");
  switch (kind) {
    case "ALTER_SUBSCRIPTION_REFRESH":
      return command;
    case "ALTER_SUBSCRIPTION_SET_PUBLICATION":
    case "ALTER_SUBSCRIPTION_ADD_PUBLICATION":
    case "ALTER_SUBSCRIPTION_DROP_PUBLICATION":
      return isOff(options, "refresh") ? [] : command;
    default:
      return (optionOf(options, "failover") ?? optionOf(options, "two_phase")) === undefined
        ? []
        : command;
  }
}

function reindexOf({ kind, params }: Tree): object[] {
  const object = textOf(kind ?? "REINDEX_OBJECT_INDEX").replace("REINDEX_OBJECT_", "");
  const option = optionOf(params, "concurrently");
  const isConcurrent = option !== undefined && !isFalse(option);
  if (!isConcurrent && !/DATABASE|SYSTEM|SCHEMA/.test(object)) return [];
  return needs(`REINDEX ${object}${isConcurrent ? " CONCURRENTLY" : ""}`);
}

function needs(command: string): object[] {
  return [{ kind: "needs-autocommit", command }];
}

/** The last of the options of a name counts. */
function optionOf(options: unknown, name: string): Tree | undefined {
  return Object.values(part(options))
    .map((option) => part(option, "DefElem"))
    .findLast(({ defname }) => defname === name);
}

function isOff(options: unknown, name: string): boolean {
  const option = optionOf(options, name);
  return option !== undefined && isFalse(option);
}

function isFalse({ arg }: Tree): boolean {
  if (!isTree(arg)) return false;
  if ("Integer" in arg) return (part(arg, "Integer")["ival"] ?? 0) === 0;
  if ("Boolean" in arg) return part(arg, "Boolean")["boolval"] !== true;
  return /^(?:false|off)$/i.test(textOf(part(arg, "String")["sval"]));
}
