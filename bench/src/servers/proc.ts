import { readFileSync } from "node:fs";

/** State of a socket in `/proc/net/tcp` that has been closed and waits for stray packets. */
const TIME_WAIT = "06";

/** Microseconds that a process has spent on a processor since its start (Linux). */
export function cpuOfProcess(pid: number): number {
  // Nanoseconds; `stat` counts in ticks of 10 ms.
  const [spent = "0"] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
  return Number(spent) / 1000;
}

/** Sockets in TIME_WAIT, of either side, whose connection was one to this port (Linux). */
export function timeWaitAt(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local = "", remote = "", state]) =>
        state === TIME_WAIT && (local.endsWith(suffix) || remote.endsWith(suffix)),
    ).length;
}
