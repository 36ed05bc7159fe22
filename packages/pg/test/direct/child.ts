/** The stories of `exit.test.ts`: one process each. */
const [, , story = "", url = ""] = process.argv;
const { definePolicy } = await import("@doorpolicy/core");
const { drain, listen, withAdvisoryLock } = await import("@doorpolicy/pg");

const policy = definePolicy({
  mode: "enforce",
  naming: { app: "story", user: "deploy", host: story },
  targets: { main: { direct: url } },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const channels = ["jobs"];
const onGap = (): void => undefined;

if (story === "lock") {
  await withAdvisoryLock(policy, story, () => say("held"));
} else if (story === "killed") {
  await withAdvisoryLock(policy, story, () => {
    say("held");
    return new Promise(() => undefined);
  });
} else if (story === "listen") {
  const listener = await listen(policy, {
    channels,
    onGap,
    onNotification: ({ payload }) => {
      say(`heard ${payload}`);
      void listener.close();
    },
  });
  say("listening");
} else if (story === "drain") {
  await listen(policy, { channels, onGap, onNotification: () => undefined });
  await new Promise<void>((held) => {
    const lock = withAdvisoryLock(policy, story, ({ signal }) => {
      say("held");
      held();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    lock.catch((error: { code: string }) => say(error.code));
  });
  const { isComplete } = await drain(200);
  say(`complete ${isComplete}`);
} else if (story === "silence") {
  const options = { channels, onGap, onNotification: () => undefined };
  await listen(policy, options);
  say("listening");
  const second = listen(policy, options);
  second.catch((error: { code: string }) => say(error.code));
  await new Promise((told) => {
    process.once("SIGUSR2", told);
  });
  const begun = performance.now();
  await drain(200);
  say(`drained ${performance.now() - begun < 2_000}`);
}
