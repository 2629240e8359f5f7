/**
 * Conditions and changes, written as data, in DynamoDB's expression language. Pure.
 */

/**
 * A condition on one attribute, or a choice of such conditions. A comparison fails for an absent attribute.
 * `secretHashes[1]` names an element of a list.
 */
export type Condition =
  | { readonly is: '=' | '<' | '<=' | '>'; readonly attribute: string; readonly value: string | number }
  | { readonly is: 'in'; readonly attribute: string; readonly values: readonly string[] }
  | { readonly is: 'contains'; readonly attribute: string; readonly value: string }
  | {
      readonly is: 'within'
      readonly attribute: string
      readonly values: readonly string[]
      readonly maxLength: number
    }
  | { readonly is: 'absent' | 'present'; readonly attribute: string }
  | { readonly is: 'any'; readonly of: readonly Condition[] }

export type Change = {
  readonly set?: Readonly<Record<string, unknown>>
  /** Attributes set to what another one held before. */
  readonly copy?: Readonly<Record<string, string>>
  /** Attributes set to another attribute plus a number. */
  readonly sum?: Readonly<Record<string, readonly [of: string, plus: number]>>
  /** Numbers that grow by this much, from 0 where they are absent. */
  readonly add?: Readonly<Record<string, number>>
  /** Lists that get one more element, at their beginning. */
  readonly prepend?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

export type Expressions = {
  readonly UpdateExpression: string
  readonly ConditionExpression: string
  readonly ExpressionAttributeNames: Record<string, string>
  /** Absent where there are none: DynamoDB refuses an empty map. */
  readonly ExpressionAttributeValues?: Record<string, unknown>
}

/** @param conditions at least one; all of them must hold */
export function updateExpressions(conditions: readonly Condition[], change: Change): Expressions {
  const placeholders = new Placeholders()
  return {
    UpdateExpression: updateOf(change, placeholders),
    ConditionExpression: allOf(conditions, placeholders),
    ...placeholders.maps(),
  }
}

/** The same for a request that puts or deletes a whole item. */
export function conditionExpressions(conditions: readonly Condition[]): Omit<Expressions, 'UpdateExpression'> {
  const placeholders = new Placeholders()
  return { ConditionExpression: allOf(conditions, placeholders), ...placeholders.maps() }
}

/** Every attribute goes by a placeholder, since DynamoDB reserves some 570 words, `state` among them. */
class Placeholders {
  readonly #names = new Map<string, string>()
  readonly #values: Record<string, unknown> = {}
  #count = 0

  name(path: string): string {
    const end = path.indexOf('[')
    const attribute = end === -1 ? path : path.slice(0, end)
    const placeholder = this.#names.get(attribute) ?? `#n${this.#names.size}`
    this.#names.set(attribute, placeholder)
    return placeholder + path.slice(attribute.length)
  }

  value(plain: unknown): string {
    const placeholder = `:v${this.#count++}`
    this.#values[placeholder] = plain
    return placeholder
  }

  maps(): Pick<Expressions, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> {
    const names = [...this.#names].map(([attribute, placeholder]) => [placeholder, attribute])
    return {
      ExpressionAttributeNames: Object.fromEntries(names),
      ...(this.#count > 0 && { ExpressionAttributeValues: this.#values }),
    }
  }
}

function updateOf({ set, copy, sum, add, prepend, remove = [] }: Change, by: Placeholders): string {
  const assignments = [
    ...entries(set).map(([attribute, plain]) => `${by.name(attribute)} = ${by.value(plain)}`),
    ...entries(copy).map(([attribute, of]) => `${by.name(attribute)} = ${by.name(of)}`),
    ...entries(sum).map(([attribute, [of, plus]]) => `${by.name(attribute)} = ${by.name(of)} + ${by.value(plus)}`),
    ...entries(prepend).map(
      ([attribute, first]) => `${by.name(attribute)} = list_append(${by.value([first])}, ${by.name(attribute)})`,
    ),
  ]
  const additions = entries(add).map(([attribute, plus]) => `${by.name(attribute)} ${by.value(plus)}`)
  return [
    clause('SET', assignments),
    clause('ADD', additions),
    clause(
      'REMOVE',
      remove.map((attribute) => by.name(attribute)),
    ),
  ]
    .filter((words) => words !== '')
    .join(' ')
}

function entries<Value>(members: Readonly<Record<string, Value>> = {}): [string, Value][] {
  return Object.entries(members)
}

function clause(word: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${word} ${parts.join(', ')}`
}

function allOf(conditions: readonly Condition[], by: Placeholders): string {
  return conditions.map((condition) => conditionOf(condition, by)).join(' AND ')
}

function conditionOf(condition: Condition, by: Placeholders): string {
  if (condition.is === 'any') return `(${condition.of.map((one) => conditionOf(one, by)).join(' OR ')})`
  const attribute = by.name(condition.attribute)
  switch (condition.is) {
    case 'absent':
      return `attribute_not_exists(${attribute})`
    case 'present':
      return `attribute_exists(${attribute})`
    case 'contains':
      return `contains(${attribute}, ${by.value(condition.value)})`
    case 'in':
      return `${attribute} IN (${condition.values.map((value) => by.value(value)).join(', ')})`
    case 'within':
      return withinOf(attribute, condition, by)
    default:
      return `${attribute} ${condition.is} ${by.value(condition.value)}`
  }
}

type Within = Pick<Condition & { is: 'within' }, 'values' | 'maxLength'>

/** DynamoDB has no word for "every element", so the condition names each place of the list and says that there are no more. */
function withinOf(attribute: string, { values, maxLength }: Within, by: Placeholders): string {
  const known = values.map((value) => by.value(value)).join(', ')
  const length = Math.min(values.length, maxLength)
  const places = Array.from({ length }, (_, at) => `${attribute}[${at}]`)
  const isKnown = (place: string, at: number) =>
    at === 0 ? `${place} IN (${known})` : `(attribute_not_exists(${place}) OR ${place} IN (${known}))`
  return [...places.map(isKnown), `attribute_not_exists(${attribute}[${length}])`].join(' AND ')
}
