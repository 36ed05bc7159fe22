import type { Guard } from "../guard.ts";
import { makeHandle } from "../pool/handle.ts";
import { isPipelined, type PgClient } from "../driver/pg-internals.ts";
import { controlTextOf, failQuery } from "../driver/query-forms.ts";
import { forgotten } from "./forgotten.ts";
import type { Borrower, ConnectionSource, Lease } from "./lease.ts";
import { lateWorkDraft, pipelineError } from "./messages.ts";
import { rawControlProblem } from "./raw-control.ts";
import { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import { SettingsHandle } from "./settings-handle.ts";
import { SingleHandle } from "../pool/single-handle.ts";
import type { BorrowRequest, OpenUnit, Unit } from "./unit.ts";
import { withSite } from "./with-site.ts";

/**
 * One `unitOfWork()`: a connection of its own for each lane it uses, lent to one call after another. An
 * inner one uses the connections of the outermost, with settings of its own.
 */
export class WorkUnit implements OpenUnit {
  readonly kind = "unit";
  readonly label: string | undefined;
  readonly setLocal: Settings | undefined;
  readonly parent: Unit | undefined;
  readonly #sessions = new Map<string, Session>();
  readonly #outer: OpenUnit | undefined;
  /** The innermost transaction() that it is in, over or not. */
  readonly #transaction: Unit | undefined;
  #isOver = false;
  #isLateSaid = false;

  constructor(label: string | undefined, setLocal: Settings | undefined, parent: Unit | undefined) {
    this.label = label;
    this.setLocal = setLocal;
    this.parent = parent;
    this.#outer = isOpenUnit(parent) ? parent : undefined;
    this.#transaction = transactionAround(parent);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get openIn(): Guard | undefined {
    for (const session of this.#sessions.values()) if (session.openIn) return session.openIn;
    return this.parent?.openIn;
  }

  borrow(request: BorrowRequest): Promise<PgClient> | undefined {
    // In a transaction() its statements join that one, late ones as well: outside they would be stored.
    if (this.#transaction !== undefined) {
      const joined = this.#transaction.borrow(request);
      if (joined !== undefined || !this.#transaction.isOver) return joined;
    }
    if (this.#isOver) {
      this.#sayLate(request);
      // What is around it goes on with the settings that it had, or with none; never with another's.
      return hasSame(this.setLocal, this.parent?.setLocal)
        ? this.parent?.borrow(request)
        : undefined;
    }
    return this.#lend(request);
  }

  async #lend({ source, borrower, isSingle }: BorrowRequest): Promise<PgClient> {
    const lease = await this.lease(source, borrower);
    if (this.setLocal === undefined) {
      return isSingle ? singleHandle(lease, source) : plainHandle(lease, source);
    }
    if (isPipelined(lease.client)) {
      lease.release();
      throw pipelineError();
    }
    return new SettingsHandle(lease, source, this.setLocal, isSingle).client;
  }

  lease(source: ConnectionSource, borrower: Borrower): Promise<Lease> {
    if (this.#outer !== undefined && !this.#outer.isOver)
      return this.#outer.lease(source, borrower);
    const key = `${source.target}/${source.lane}/${source.isReplica ? "replica" : "primary"}`;
    let session = this.#sessions.get(key);
    if (session === undefined) this.#sessions.set(key, (session = new Session(source)));
    // The report of a connection that the unit keeps and does not use names who has made it take one.
    return session.borrow(session.hasConnection ? borrower : withSite(borrower, 3));
  }

  end(): void {
    this.#isOver = true;
    for (const session of this.#sessions.values()) session.end();
  }

  #sayLate({ source: { guard }, borrower }: BorrowRequest): void {
    if (this.#isLateSaid || guard.response("unit/late-work") === "nothing") return;
    this.#isLateSaid = true;
    guard.report(lateWorkDraft(this.label, withSite(borrower, 2)));
  }
}

function hasSame(one: Settings | undefined, other: Settings | undefined): boolean {
  const [few, many] = [Object.entries(one ?? {}), Object.entries(other ?? {})];
  return few.length === many.length && few.every(([name, value]) => other?.[name] === value);
}

function isOpenUnit(unit: Unit | undefined): unit is OpenUnit {
  return unit?.kind === "unit" && !unit.isOver && "lease" in unit;
}

function transactionAround(unit: Unit | undefined): Unit | undefined {
  return unit?.kind === "unit" ? transactionAround(unit.parent) : unit;
}

/** A handle for one statement. */
function singleHandle(lease: Lease, source: ConnectionSource): PgClient {
  const { client } = lease;
  return new SingleHandle({
    query: (config, values, callback) => {
      const refusal =
        lease.refusal() ?? rawControlProblem(controlTextOf(config, source.Query), source.guard);
      return refusal === undefined
        ? client.query(config, values, callback)
        : failQuery(client, { config, values, callback }, refusal);
    },
    release: (error) => lease.release(error),
  }).asClient;
}

/** A handle that sends what it is given. */
function plainHandle(lease: Lease, source: ConnectionSource): PgClient {
  const { client } = lease;
  const handle = makeHandle(client, {
    isDeaf: source.guard.hidesLoss,
    isReleased: () => lease.isReleased,
    query: (config, values, callback) => {
      const refusal = lease.refusal();
      return refusal === undefined
        ? client.query(config, values, callback)
        : failQuery(client, { config, values, callback }, refusal);
    },
    release: (error) => {
      handle.removeListeners();
      lease.release(error);
      forgotten.unregister(lease);
    },
  });
  forgotten.register(handle.client, lease, lease);
  return handle.client;
}
