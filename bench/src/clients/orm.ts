/** What is asked of each ORM: one row by a unique column. */
export interface OrmClient extends AsyncDisposable {
  find(number: string): Promise<unknown>;
  /** The same in a block of the ORM's own. */
  findInTransaction(number: string): Promise<unknown>;
}
