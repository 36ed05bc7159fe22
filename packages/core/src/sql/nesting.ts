import { unitAt } from "./characters.ts";
import type { Lexer } from "./lexer.ts";

const OPENING = 0x28;
const CLOSING = 0x29;

/** How far a statement has shown itself to be `CREATE [OR REPLACE] FUNCTION | PROCEDURE`. */
type Head = "nothing" | "create" | "or" | "replace" | "routine" | "begin" | "other";

/**
 * Tells which `;` separates statements. Fed with each token of a statement in turn.
 *
 * | head      | token                     | becomes                      |
 * | --------- | ------------------------- | ---------------------------- |
 * | `nothing` | `CREATE`                  | `create`                     |
 * | `nothing` | `END`, in a body          | `other`, one body less       |
 * | `create`  | `OR`                      | `or`, then `REPLACE`: `replace` |
 * | `create`, `replace` | `FUNCTION`, `PROCEDURE` | `routine`            |
 * | `routine` | `BEGIN`                   | `begin`                      |
 * | `begin`   | `ATOMIC`                  | `nothing`, one body more     |
 * | `begin`   | any other                 | `routine`                    |
 * | any       | `;` in a body             | `nothing`                    |
 * | any other | any other                 | `other`                      |
 *
 * Inside parentheses no token changes the head. That the body ends with an `END` where a statement
 * would begin is stricter than psql, which counts `CASE` and `END` and goes astray with a column
 * that is called `end`.
 */
export class Nesting {
  private head: Head = "nothing";
  private parentheses = 0;
  private bodies = 0;

  /** Whether a `;` here ends the statement. */
  get isOutside(): boolean {
    return this.parentheses === 0 && this.bodies === 0;
  }

  /** How many parentheses are open. */
  get depth(): number {
    return this.parentheses;
  }

  /** Takes the lexer's current token into account. */
  see(lexer: Lexer): void {
    if (lexer.kind === "punctuation") {
      const unit = unitAt(lexer.text, lexer.start);
      if (unit === OPENING) this.parentheses++;
      else if (unit === CLOSING && this.parentheses > 0) this.parentheses--;
    }
    if (this.head === "other" && this.bodies === 0) return;
    if (this.parentheses === 0) this.head = this.headAfter(lexer);
  }

  private headAfter(lexer: Lexer): Head {
    if (lexer.kind === "separator") return "nothing";
    switch (this.head) {
      case "nothing":
        if (this.bodies > 0 && lexer.is("end")) {
          this.bodies--;
          return "other";
        }
        return lexer.is("create") ? "create" : "other";
      case "create":
        return lexer.is("or") ? "or" : routineOrOther(lexer);
      case "or":
        return lexer.is("replace") ? "replace" : "other";
      case "replace":
        return routineOrOther(lexer);
      case "begin":
        if (lexer.is("atomic")) {
          this.bodies++;
          return "nothing";
        }
        return lexer.is("begin") ? "begin" : "routine";
      case "routine":
        return lexer.is("begin") ? "begin" : "routine";
      default:
        return "other";
    }
  }
}

function routineOrOther(lexer: Lexer): Head {
  return lexer.is("function") || lexer.is("procedure") ? "routine" : "other";
}
