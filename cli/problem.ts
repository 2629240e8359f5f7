/** Errors that a command reports to its user, and the exit codes (docs/operations.md lists them). */

export const exitCodes = {
  done: 0,
  /** Refused or failed: not there, not allowed or wrong. Nothing was changed unless the message says so. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Nobody is signed in, or the session has ended: `token-broker login`. */
  notSignedIn: 3,
  /** Broker, table or AWS did not answer; the same command may work later. */
  outOfReach: 4,
  /** Begun but not finished; running the same command again continues. */
  unfinished: 5,
  /** SIGHUP, Ctrl-C and SIGTERM, as shells report them. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export class Problem extends Error {
  readonly exitCode: ExitCode
  /** What to do next. */
  readonly hint: string | undefined

  constructor(message: string, exitCode: ExitCode = exitCodes.failed, hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}

export class UsageProblem extends Problem {
  constructor(message: string, hint?: string) {
    super(message, exitCodes.usage, hint)
  }
}

export class OutOfReach extends Problem {
  constructor(message: string, hint?: string) {
    super(message, exitCodes.outOfReach, hint)
  }
}

/**
 * The innermost cause of an error: its code where it has one, else its name. Never its message, which may quote a secret.
 */
export function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause
  if (inner instanceof AggregateError && inner.errors.length > 0) return reasonOf(inner.errors[0])
  if (!(inner instanceof Error)) return String(inner)
  return 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.name
}
