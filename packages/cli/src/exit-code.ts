/** What `doorpolicy` tells the shell. */
export const EXIT = {
  /** Nothing to complain of. */
  clean: 0,
  /** `check` found errors, or more warnings than allowed; `demo` or `testbed` failed. */
  found: 1,
  /** The question could not be answered: wrong arguments, unreadable input, a policy that does not hold. */
  cannotJudge: 2,
  /** Ctrl-C before there was a result, as shells know it. */
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
