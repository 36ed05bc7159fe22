import { describe, expect, test } from "vitest";

import { nameConnection, type NamingPolicy, type ProcessContext } from "../../src/index.ts";

/** Everything that a name can be made from; each case changes some of it. */
interface Case {
  readonly naming?: NamingPolicy;
  readonly environment?: ProcessContext["environment"];
  readonly identity?: Partial<ProcessContext["identity"]>;
}

function partsOf({
  naming = {},
  environment = {},
  identity = {},
}: Case): Record<string, string | undefined> {
  const template = "{app}:{user}@{host}:{pod}:{env}:{pid}";
  const context: ProcessContext = {
    environment,
    identity: { hostName: "web-1", processId: 7, ...identity },
  };
  return nameConnection({ template, ...naming }, context).parts;
}

describe("{app}", () => {
  const everything: Case = {
    naming: { app: "given" },
    environment: { OTEL_SERVICE_NAME: "otel", DD_SERVICE: "datadog" },
    identity: { packageName: "package", scriptPath: "/srv/script.js" },
  };
  const table: readonly (readonly [title: string, input: Case, app: string])[] = [
    ["comes from the policy", everything, "given"],
    ["then from OTEL_SERVICE_NAME", { ...everything, naming: {} }, "otel"],
    [
      "then from DD_SERVICE",
      { ...everything, naming: {}, environment: { DD_SERVICE: "datadog", OTEL_SERVICE_NAME: " " } },
      "datadog",
    ],
    ["then from the package", { ...everything, naming: {}, environment: {} }, "package"],
    ["then from the script", { identity: { scriptPath: "/srv/worker.js" } }, "worker"],
    [
      "keeps a package's scope, without its @",
      { identity: { packageName: "@acme/billing" } },
      "acme/billing",
    ],
    [
      "takes the folder of a script named main",
      { identity: { scriptPath: "/srv/billing/main.js" } },
      "billing",
    ],
    [
      "passes over folders of the build",
      { identity: { scriptPath: "/srv/billing/dist/src/index.mjs" } },
      "billing",
    ],
    [
      "takes the script's own name when there is no folder",
      { identity: { scriptPath: "/dist/server.js" } },
      "server",
    ],
    [
      "reads a Windows path",
      { identity: { scriptPath: String.raw`C:\services\billing\app.cjs` } },
      "billing",
    ],
    ["is unknown when nothing is", {}, "unknown"],
  ];
  for (const [title, input, app] of table) {
    test(title, () => {
      expect(partsOf(input)["app"]).toBe(app);
    });
  }
});

describe("{user}", () => {
  const table: readonly (readonly [title: string, input: Case, user: string])[] = [
    [
      "comes from the policy",
      { naming: { user: "given" }, identity: { userName: "deploy" } },
      "given",
    ],
    [
      "then from the operating system",
      { identity: { userName: "deploy", userId: 1000 } },
      "deploy",
    ],
    [
      "is the number in a container without a passwd entry",
      { identity: { userId: 1001 } },
      "uid1001",
    ],
    ["is the number also of root", { identity: { userId: 0, userName: "" } }, "uid0"],
    ["is unknown when nothing is known", {}, "unknown"],
    ["loses the domain of Windows", { identity: { userName: String.raw`CORP\deploy` } }, "deploy"],
  ];
  for (const [title, input, user] of table) {
    test(title, () => {
      expect(partsOf(input)["user"]).toBe(user);
    });
  }
});

describe("{host} and {pod}", () => {
  const table: readonly (readonly [title: string, input: Case, host: string, pod: string])[] = [
    ["the policy's host", { naming: { host: "given" } }, "given", "web-1"],
    [
      "up to the first dot",
      { identity: { hostName: "web-1.eu.example" } },
      "web-1",
      "web-1.eu.example",
    ],
    ["an address stays whole", { identity: { hostName: "10.1.2.3" } }, "10.1.2.3", "10.1.2.3"],
    [
      "a Deployment",
      inKubernetes("billing-api-7d4b9c6f5d-x2x7k"),
      "billing-api",
      "billing-api-7d4b9c6f5d-x2x7k",
    ],
    [
      "a Deployment with a short hash",
      inKubernetes("billing-6d4cf56db-abcde".replace("abcde", "b2c4d")),
      "billing",
      "billing-6d4cf56db-b2c4d",
    ],
    [
      "a CronJob",
      inKubernetes("billing-report-28012345-zx8kq"),
      "billing-report",
      "billing-report-28012345-zx8kq",
    ],
    ["a DaemonSet or a Job", inKubernetes("log-agent-7xk2p"), "log-agent", "log-agent-7xk2p"],
    [
      "a StatefulSet keeps its ordinal",
      inKubernetes("billing-db-0"),
      "billing-db-0",
      "billing-db-0",
    ],
    ["a pod without a workload", inKubernetes("debug"), "debug", "debug"],
    ["a pod's name that looks like a hash only", inKubernetes("-7xk2p"), "-7xk2p", "-7xk2p"],
    [
      "words that no hash contains stay",
      inKubernetes("billing-worker-queue"),
      "billing-worker-queue",
      "billing-worker-queue",
    ],
    [
      "the same name outside of Kubernetes stays whole",
      { environment: { HOSTNAME: "other" }, identity: { hostName: "billing-7d4b9c6f5d-x2x7k" } },
      "billing-7d4b9c6f5d-x2x7k",
      "billing-7d4b9c6f5d-x2x7k",
    ],
    [
      "the host's name where HOSTNAME is not passed on",
      {
        environment: { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
        identity: { hostName: "billing-7d4b9c6f5d-x2x7k" },
      },
      "billing",
      "billing-7d4b9c6f5d-x2x7k",
    ],
  ];
  for (const [title, input, host, pod] of table) {
    test(title, () => {
      const name = nameConnection(
        { template: "{app}:{host}", app: "a", ...input.naming },
        {
          environment: input.environment ?? {},
          identity: { hostName: "web-1", processId: 7, ...input.identity },
        },
      );
      const podName = nameConnection(
        { template: "{app}:{pod}", app: "a" },
        {
          environment: input.environment ?? {},
          identity: { hostName: "web-1", processId: 7, ...input.identity },
        },
      );

      expect(name.text).toBe(`a:${host}`);
      expect(podName.text).toBe(`a:${pod}`);
    });
  }
});

describe("{env} and {pid}", () => {
  const table: readonly (readonly [environment: ProcessContext["environment"], env: string])[] = [
    [{ DD_ENV: "staging", NODE_ENV: "production" }, "staging"],
    [{ NODE_ENV: "production" }, "production"],
    [{}, "unknown"],
  ];
  for (const [environment, env] of table) {
    test(`${JSON.stringify(environment)} is ${env}`, () => {
      expect(partsOf({ environment })).toMatchObject({ env, pid: "7" });
    });
  }
});

test("a name says whether it was shortened, and is frozen", () => {
  const context: ProcessContext = {
    environment: {},
    identity: { hostName: "web-1", processId: 7 },
  };

  const name = nameConnection({ template: "{app}", app: "x".repeat(90) }, context);

  expect(name).toMatchObject({ shortened: true, template: "{app}" });
  expect(name.text).toHaveLength(63);
  expect(Object.isFrozen(name) && Object.isFrozen(name.parts)).toBe(true);
});

function inKubernetes(pod: string): Case {
  return { environment: { KUBERNETES_SERVICE_HOST: "10.0.0.1", HOSTNAME: pod } };
}
