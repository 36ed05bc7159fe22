import { AsyncResource } from "node:async_hooks";

import { outsideUnits } from "../units/context.ts";
import { refuseWhileDraining } from "../units/drain.ts";
import { listenText } from "./channel-name.ts";
import { directLane, type DirectSource, type PgLoader } from "./direct-lane.ts";
import {
  checkedListenOptions,
  type CheckedListenOptions,
  type ListenOptions,
} from "./listen-options.ts";
import { type CallOut, type Listener, ReconnectingListener } from "./listener.ts";

/** {@link makeListen} */
export type Listen = (source: DirectSource, options: ListenOptions) => Promise<Listener>;

const PURPOSE =
  "`LISTEN` that goes through the pooler is registered on a server connection that strangers get, and its notifications with it";

/** `listen` that loads the `pg` of an adapter's ORM where it is given a policy. */
export function makeListen(loadPg: PgLoader): Listen {
  return async (source, given) => {
    const options = checkedListenOptions(given);
    const channels = [...new Set(options.channels)];
    const text = listenText(channels);
    const direct = await directLane(source, options, loadPg, PURPOSE);
    refuseWhileDraining();
    options.signal?.throwIfAborted();
    // It outlives the unit that happened to ask for it, and its socket calls back in this context.
    return await outsideUnits(async () => {
      const listener = new ReconnectingListener(direct, text, options, callOut(options));
      await listener.start();
      return listener;
    });
  };
}

/** What the caller's functions do is theirs: it ends neither the listener nor the process. */
function callOut(options: CheckedListenOptions): CallOut {
  const caller = new AsyncResource("doorpolicy.listen");
  let isWarned = false;
  return (name, value) => {
    if (name === "onGap") isWarned = false;
    const action = options[name];
    if (action === undefined) {
      // Once for each loss: a server that is away for an hour fails some hundred tries.
      if (!isWarned) warn("A listener has lost its connection, and connects again", value);
      isWarned = true;
      return;
    }
    const failed = (error: unknown): void => warn(`\`${name}\` of a listener failed`, error);
    caller.runInAsyncScope(() => {
      // Outside of the unit that `listen()` was called in: it may have ended long ago.
      outsideUnits(() => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each name comes with its own value.
        const call = action as (value: unknown) => unknown;
        new Promise((resolve) => {
          resolve(call(value));
        }).catch(failed);
      });
    });
  };
}

function warn(what: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(`${what}: ${reason}`, {
    type: "DoorpolicyWarning",
    code: "DOORPOLICY_LISTENER",
  });
}
