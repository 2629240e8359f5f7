/** What must hold in every run, by name. */

export const says = {
  'one-live-token':
    'A family has at most one live refresh token: every caller gets the same text for a generation, unless a function cannot read the keyring.',
  'single-use':
    'A credential is honoured once. Within its grace the immediate predecessor gets the same successor, while that is unused.',
  'reuse-ends':
    'A spent refresh token that is presented again after its grace ends the family before the caller has an answer, unless its key was retired.',
  'ended-stays-ended': 'After the answer that a session has ended, no call that begins gets anything for it.',
  'true-introspection':
    'Introspection and userinfo know no session that had ended when they were asked, no spent token, and every token that is good.',
  'assertion-once': 'An assertion of a client proves it for one request only.',
  'retired-stays-retired':
    'When every function knows that a key was retired, nothing is given for a credential that it made.',
  'right-person': 'A wrong ID token signs nobody in.',
  'unavailable-spends-nothing':
    'A 503 of a function spends nothing, unless every answer to the write was lost or the session has ended meanwhile.',
  'listed-answers': 'Every answer is one that the description of the API lists, and none is a 500.',
  'answers-in-time':
    'A function answers within its 20 seconds, unless it was frozen, killed or met more than two faults.',
  'one-write':
    'A refresh that meets no fault is one request to DynamoDB and one write unit, the reads of a registration apart.',
  'legal-history':
    'A family only takes the steps of its life: one generation at a time, nothing after its end, and its end never moves.',
  'within-lifetimes': 'No refresh succeeds after the idle or the absolute lifetime.',
  'approved-first': 'A device gets tokens only after a person approved it, and never after they denied.',
  'no-secret-in-table':
    'No item holds a credential, a salt, a user code, an access token, a key or a token of the provider in the clear.',
  'no-secret-in-log': 'No line of the log holds any of these.',
  'no-fault-of-ours': 'No function reports a fault of the broker itself.',
  'provider-token-once':
    "A refresh token of the provider is never sent again once its successor is in the table, nor while a function waits for the provider's answer to it.",
  'honest-keeps':
    'An honest client with grace never loses its session, unless somebody else acts on it or every try of its grace failed.',
  'thief-or-owner':
    'A thief and the owner never both live on: after the grace at most one of them refreshes, and the other ends the session.',
  'alive-again': 'When all faults are over, every session that nobody ended goes on, and every actor comes to its end.',
  'silent-after-answer': 'A function sends nothing after its answer, because Lambda may never run it on.',
  'provider-told': 'Every ended session is told to the provider in the end, and nothing of it is kept.',
} as const

export type InvariantName = keyof typeof says
