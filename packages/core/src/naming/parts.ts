import type { Environment } from "../env.ts";
import type { NamingPolicy } from "../policy.ts";
import type { ProcessContext, ProcessIdentity } from "../process-context.ts";
import type { NameParts } from "./template.ts";

/** Scripts that say how a service starts, not which one it is. */
const COMMON_SCRIPTS = new Set(["main", "index", "server", "app"]);

/** Folders that say how a service was built, not which one it is. */
const COMMON_FOLDERS = new Set(["", ".", "bin", "build", "dist", "lib", "out", "src"]);

/** `k8s.io/apimachinery/pkg/util/rand`: no vowels, no 0, 1 and 3, so that no word appears by chance. */
const SAFE = "[bcdfghjklmnpqrstvwxz2456789]";

/**
 * What Kubernetes appends to a workload's name: `-<replica set hash>-<5>` for a Deployment,
 * `-<minutes>-<5>` for a CronJob, `-<5>` for a DaemonSet or a Job. The ordinal of a StatefulSet is
 * no hash and stays: it is few, and the same after a restart.
 */
const POD_SUFFIX = new RegExp(`(?:-(?:${SAFE}{6,10}|\\d{8,10}))?-${SAFE}{5}$`, "u");

/** All parts that a template can ask for, as they are before they are fitted into a name. */
export function namePartsOf(naming: NamingPolicy, context: ProcessContext): NameParts {
  const { environment, identity } = context;
  return {
    app: naming.app ?? appOf(environment, identity),
    user: naming.user ?? userOf(identity),
    host: naming.host ?? hostOf(environment, identity),
    pod: podOf(environment, identity) ?? identity.hostName,
    env: given(environment["DD_ENV"]) ?? given(environment["NODE_ENV"]) ?? "",
    pid: String(identity.processId),
  };
}

function appOf(environment: Environment, identity: ProcessIdentity): string {
  return (
    given(environment["OTEL_SERVICE_NAME"]) ??
    given(environment["DD_SERVICE"]) ??
    // `@acme/billing` → `acme/billing`: two scopes may hold a package of one name.
    given(identity.packageName?.replace(/^@/u, "")) ??
    scriptNameOf(identity.scriptPath ?? "")
  );
}

function scriptNameOf(path: string): string {
  const folders = path.split(/[/\\]/u);
  const script = (folders.pop() ?? "").replace(/\.[^.]+$/u, "");
  if (script !== "" && !COMMON_SCRIPTS.has(script)) return script;
  return folders.findLast((folder) => !COMMON_FOLDERS.has(folder)) ?? script;
}

function userOf({ userName, userId }: ProcessIdentity): string {
  // Windows says `DOMAIN\user`.
  const name = given(userName?.replace(/^.*\\/u, ""));
  return name ?? (userId === undefined ? "" : `uid${userId}`);
}

function hostOf(environment: Environment, identity: ProcessIdentity): string {
  const pod = podOf(environment, identity);
  const host = firstLabel(pod ?? identity.hostName);
  if (pod === undefined) return host;
  // PgBouncer sends SET application_name whenever a server connection passes to a client of another
  // name: a name per pod cost one fleet 18 % of its database's CPU (mastodon/mastodon#23958).
  const workload = host.replace(POD_SUFFIX, "");
  return workload === "" ? host : workload;
}

function podOf(environment: Environment, identity: ProcessIdentity): string | undefined {
  if (given(environment["KUBERNETES_SERVICE_HOST"]) === undefined) return undefined;
  return given(environment["HOSTNAME"]) ?? given(identity.hostName);
}

/** Up to the first dot, except for an address, which has no labels. */
function firstLabel(host: string): string {
  return /^\d+(\.\d+){3}$/u.test(host) ? host : (host.split(".")[0] ?? host);
}

/** OpenTelemetry and shells alike: an empty variable is an unset one. */
function given(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === "" ? undefined : trimmed;
}
