import type { Borrower } from "./lease.ts";
import type { Command } from "./wire-batch.ts";

const NONE: readonly Block[] = [];

/**
 * A transaction, or a savepoint in one that stands for an inner transaction: a nested `transaction()`,
 * or an ORM's own block. Opened by the first statement in it.
 *
 * | state | its first statement | its end | its parent's end |
 * | --- | --- | --- | --- |
 * | unopened | → open, in the same batch | → ended, nothing is sent | → ended |
 * | open | – | → ended: RELEASE, or ROLLBACK TO and RELEASE | → ended |
 * | ended | refused | nothing | – |
 */
export class Block {
  readonly parent: Block | undefined;
  /** What opens it on the server. */
  readonly opening: readonly Command[];
  /** Unset for the transaction itself. */
  readonly savepoint: string | undefined;
  /** Who opened it, for messages. */
  readonly owner: Borrower;
  state: "unopened" | "open" | "ended" = "unopened";

  private constructor(
    parent: Block | undefined,
    opening: readonly Command[],
    owner: Borrower,
    savepoint?: string,
  ) {
    this.parent = parent;
    this.opening = opening;
    this.owner = owner;
    this.savepoint = savepoint;
  }

  /** The transaction itself. */
  static outermost(opening: readonly Command[], owner: Borrower): Block {
    return new Block(undefined, opening, owner);
  }

  /** An inner block of this one. `number` is its own within the transaction. */
  inner(number: number, owner: Borrower): Block {
    const savepoint = `doorpolicy_${number}`;
    return new Block(this, [{ text: `SAVEPOINT ${savepoint}` }], owner, savepoint);
  }

  /** What has to be opened before a statement of this block can run: outermost first, itself last. */
  get unopened(): readonly Block[] {
    if (this.state !== "unopened") return NONE;
    return [...(this.parent?.unopened ?? []), this];
  }

  /** The innermost block around and including this one that is open. */
  get nearestOpen(): Block | undefined {
    return this.state === "open" ? this : this.parent?.nearestOpen;
  }

  /** True for a block and for what stands in it. */
  isWithin(block: Block): boolean {
    return this === block || this.parent?.isWithin(block) === true;
  }

  /** True when it or a block around it has ended. */
  get isOver(): boolean {
    return this.state === "ended" || (this.parent?.isOver ?? false);
  }
}

/** Which blocks were opened by the commands that were answered: one is open when its first command was. */
export function answeredBlocks(opening: readonly Block[], answered: number): readonly Block[] {
  let at = 0;
  return opening.filter((block) => {
    const isOpen = answered > at;
    at += block.opening.length;
    return isOpen;
  });
}

/** What opens several blocks; of a single one the same array each time, whose bytes may be kept. */
export function openingCommands(opening: readonly Block[]): readonly Command[] {
  const [only] = opening;
  return only !== undefined && opening.length === 1
    ? only.opening
    : opening.flatMap((block) => block.opening);
}
