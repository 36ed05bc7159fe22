import type { TransactionOptions } from "@doorpolicy/pg";

/** The clients that units mix. */
export type TortureClient = "pg" | "typeorm-1" | "prisma-7";

/** What a unit does, one after another unless it says otherwise. */
export type Step =
  /** A row by the client's model API; with lines it is one nested write. */
  | {
      readonly do: "write";
      readonly by: TortureClient;
      readonly part: string;
      readonly lines: number;
    }
  /** Looks for a row that this unit has written before, perhaps with another client. */
  | { readonly do: "find"; readonly by: TortureClient; readonly part: string }
  /** Reads the setting that only units with `setLocal` have. */
  | { readonly do: "setting"; readonly by: TortureClient }
  | {
      readonly do: "fail";
      readonly by: TortureClient;
      readonly how: "unique" | "division";
      readonly isCaught: boolean;
    }
  | { readonly do: "sleep"; readonly by: TortureClient; readonly ms: number }
  /** Does nothing with the database. */
  | { readonly do: "idle"; readonly ms: number }
  /** Somebody ends the backend of this unit's transaction. */
  | {
      readonly do: "kill";
      readonly by: TortureClient;
      readonly when: "idle" | "running" | "commit";
    }
  /** Transaction control by hand. */
  | {
      readonly do: "control";
      readonly by: TortureClient;
      readonly sql: string;
      readonly isCaught: boolean;
    }
  /** Reads a counter that all units share, and writes what it has read plus one. */
  | { readonly do: "increment"; readonly by: TortureClient; readonly counter: number }
  /** A connection with a block on it that is not given back before the unit has ended. */
  | { readonly do: "leak"; readonly by: "pg" | "typeorm-1"; readonly part: string }
  /** The ORM's own block; inside of one its nested block. */
  | {
      readonly do: "block";
      readonly by: TortureClient;
      readonly throws: boolean;
      readonly isCaught: boolean;
      readonly steps: readonly Step[];
    }
  | {
      readonly do: "transaction";
      readonly propagation: "savepoint" | "join" | "new";
      readonly throws: boolean;
      readonly isCaught: boolean;
      readonly steps: readonly Step[];
    }
  | { readonly do: "detached"; readonly steps: readonly Step[] }
  /** All at once. */
  | { readonly do: "together"; readonly steps: readonly Step[] }
  | { readonly do: "unawaited"; readonly step: Step }
  | { readonly do: "after-commit" };

/** What the proxy does to one of the unit's messages. */
export interface Fault {
  readonly direction: "client" | "server";
  readonly message: string;
  /** Part of the message's SQL or tag, in lower case. */
  readonly about?: string;
  /** Which of those that fit. */
  readonly nth: number;
  readonly action:
    | { readonly kind: "cut"; readonly with: "fin" | "rst" }
    | { readonly kind: "truncate"; readonly bytes: number }
    | { readonly kind: "blackHole"; readonly cutAfterMs?: number }
    | { readonly kind: "delay"; readonly ms: number };
}

/** One unit, whole: a pure function of the seed and the index. */
export interface Plan {
  readonly index: number;
  /**
   * Whose clients it uses: those of all units, those with a short idle limit, or a set of its own
   * behind a fault proxy.
   */
  readonly clients: "shared" | "impatient" | "proxied";
  /** What its steps run in: nothing, a `unitOfWork()` with settings, or a `transaction()`. */
  readonly root: "plain" | "unit" | "transaction";
  readonly options: Omit<TransactionOptions, "signal" | "setLocal">;
  /** The caller goes away after so long. */
  readonly abortAfterMs?: number;
  /** The function fails when its steps are done. */
  readonly throws: boolean;
  readonly fault?: Fault;
  readonly steps: readonly Step[];
  /** Nothing in it keeps it from being stored. */
  readonly isSure: boolean;
}
