import { spawn } from "node:child_process";

/**
 * Reads orders until the pipe from Node ends. It ends when Node does, however Node ended, SIGKILL
 * included; then every server that is still on the list is told to stop, killed five seconds later,
 * and the directory is removed. `detached` and the trap keep a terminal's Ctrl-C and a runner's
 * signal to the process group away from it. (`setpriv --pdeathsig` did not work for this.)
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT
servers=''
while read -r order pid signal; do
  case $order in
    watch) servers="$servers $pid:$signal" ;;
    forget)
      rest=''
      for server in $servers; do [ "\${server%%:*}" = "$pid" ] || rest="$rest $server"; done
      servers=$rest ;;
    dismiss) exit 0 ;;
  esac
done
for server in $servers; do kill -s "\${server#*:}" "\${server%%:*}" 2>/dev/null; done
turns=0
while [ $turns -lt 50 ]; do
  alive=''
  for server in $servers; do kill -0 "\${server%%:*}" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || break
  sleep 0.1
  turns=$((turns + 1))
done
for server in $servers; do kill -s KILL "\${server%%:*}" 2>/dev/null; done
rm -rf -- "$1"
`;

/** Cleans up after this process when it can no longer do so itself. */
export interface Janitor {
  /** From now on this process is stopped, by this signal, when Node is gone. */
  watch(pid: number, signal: NodeJS.Signals): void;
  /** It has ended by itself; its number may soon be another's. */
  forget(pid: number): void;
  /** All is cleaned up; the janitor goes home. */
  dismiss(): Promise<void>;
}

/** Starts the janitor for one directory, before anything is put into it. */
export function startJanitor(directory: string): Janitor {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "doorpolicy-testbed-janitor", directory], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const gone = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  // A janitor that somebody killed is no reason to fail a test run.
  child.stdin.on("error", () => {});
  return {
    watch: (pid, signal) => void child.stdin.write(`watch ${pid} ${signal.replace(/^SIG/, "")}\n`),
    forget: (pid) => void child.stdin.write(`forget ${pid} -\n`),
    async dismiss() {
      child.stdin.end("dismiss - -\n");
      await gone;
    },
  };
}
