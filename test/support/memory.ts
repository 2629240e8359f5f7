/**
 * A transition carried out in memory, as the store carries it out at DynamoDB.
 *
 * Owns nothing but the arithmetic of `set`, `copy`, `sum` and `remove`; what holds is for the guards to say.
 */

import type { Family } from '../../shared/domain/family.ts'
import { firstFailure } from '../../shared/domain/guard.ts'
import { explain, type Transition, type Verdict } from '../../shared/domain/transitions.ts'

export type Step =
  | { readonly moved: true; readonly family: Family }
  | { readonly moved: false; readonly verdict: Verdict }

/** @param family undefined: there is none */
export function step(transition: Transition, family: Family | undefined): Step {
  const stands = family !== undefined && firstFailure(transition.guards, family) === undefined
  if (!stands) return { moved: false, verdict: explain(transition, family) }
  return { moved: true, family: changed(transition, family) }
}

/** What a transition makes of a family for which its guards hold. */
export function changed({ set, copy = {}, sum = {}, remove = [] }: Transition, family: Family): Family {
  const next: Record<string, unknown> = { ...family, ...set }
  // As in an UpdateExpression, what stands on the right is the item as it was.
  for (const [attribute, of] of Object.entries(copy)) next[attribute] = family[of]
  for (const [attribute, [of, plus]] of Object.entries(sum)) next[attribute] = Number(family[of]) + plus
  for (const attribute of remove) delete next[attribute]
  return next as Family
}
