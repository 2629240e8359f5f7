/**
 * DynamoDB's expressions: parses what is sent, and evaluates it against an item (Developer Guide, "Condition and filter
 * expressions, operators, and functions" and "Update expressions").
 */

import { indexes } from '../../../shared/store/table-schema.ts'
import {
  checkValue,
  type Item,
  invalid,
  isEqual,
  numberIn,
  numberValue,
  order,
  plain,
  stored,
  typeOf,
  type Value,
  type ValueType,
  valueTypes,
} from './values.ts'

export type Path = { readonly root: string; readonly steps: readonly (string | number)[] }

export type Operand =
  | { readonly is: 'path'; readonly path: Path }
  | { readonly is: 'value'; readonly value: Value }
  | { readonly is: 'size'; readonly path: Path }
  | { readonly is: 'if_not_exists'; readonly path: Path; readonly otherwise: Operand }
  | { readonly is: 'list_append'; readonly first: Operand; readonly second: Operand }
  | { readonly is: '+' | '-'; readonly left: Operand; readonly right: Operand }

type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>='

export type Condition =
  | { readonly is: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly is: 'not'; readonly of: Condition }
  | { readonly is: 'compare'; readonly by: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly is: 'between'; readonly operand: Operand; readonly from: Operand; readonly to: Operand }
  | { readonly is: 'in'; readonly operand: Operand; readonly of: readonly Operand[] }
  | { readonly is: 'attribute_exists' | 'attribute_not_exists'; readonly path: Path }
  | { readonly is: 'attribute_type' | 'begins_with' | 'contains'; readonly operand: Operand; readonly other: Operand }

export type Update = {
  readonly set: readonly { readonly path: Path; readonly to: Operand }[]
  readonly remove: readonly Path[]
  readonly add: readonly { readonly path: Path; readonly value: Value }[]
  readonly delete: readonly { readonly path: Path; readonly value: Value }[]
}

/** What a request's expressions stand on. Every placeholder has to be defined, and used. */
export class Placeholders {
  readonly #names: Readonly<Record<string, string>>
  readonly #values: Readonly<Record<string, Value>>
  readonly #used = new Set<string>()

  constructor(names?: Readonly<Record<string, string>>, values?: Readonly<Record<string, Value>>) {
    for (const map of [names, values]) {
      if (map !== undefined && Object.keys(map).length === 0) throw invalid('A map of placeholders must not be empty')
    }
    this.#names = names ?? {}
    this.#values = values ?? {}
    for (const value of Object.values(this.#values)) checkValue(value)
  }

  name(placeholder: string): string {
    this.#used.add(placeholder)
    const name = this.#names[placeholder]
    if (name === undefined)
      throw invalid(`An expression attribute name used in the document path is not defined; ${placeholder}`)
    return name
  }

  value(placeholder: string): Value {
    this.#used.add(placeholder)
    const value = this.#values[placeholder]
    if (value === undefined)
      throw invalid(`An expression attribute value used in expression is not defined; ${placeholder}`)
    return value
  }

  expectAllUsed(): void {
    const unused = [...Object.keys(this.#names), ...Object.keys(this.#values)].find((name) => !this.#used.has(name))
    if (unused !== undefined) throw invalid(`Value provided in ExpressionAttribute unused in expressions: ${unused}`)
  }
}

// --- words ----------------------------------------------------------------------------------------------------------

const tokenForm = /\s*(?:(<>|<=|>=|[=<>(),.[\]+-])|([#:]?[A-Za-z0-9_]+))/y

/** The broker sends the same few expressions again and again. */
const knownTokens = new Map<string, readonly string[]>()
const maxKnown = 1_000

function tokensOf(text: string): readonly string[] {
  const known = knownTokens.get(text)
  if (known !== undefined) return known
  const tokens: string[] = []
  tokenForm.lastIndex = 0
  while (tokenForm.lastIndex < text.trimEnd().length) {
    const at = tokenForm.lastIndex
    const match = tokenForm.exec(text)
    if (match === null) throw invalid(`Invalid expression: syntax error at ${at} in ${text}`)
    tokens.push(match[1] ?? match[2]!)
  }
  if (knownTokens.size < maxKnown) knownTokens.set(text, tokens)
  return tokens
}

/**
 * Attributes that may be named without a placeholder. DynamoDB reserves some 570 words. Instead of a list of them, the model knows
 * the names that need none.
 */
const bareNames = new Set([
  ...['pk', 'sk'],
  ...indexes.flatMap(({ partitionKey, sortKey, projected }) => [partitionKey.name, sortKey.name, ...projected]),
])

const maxExpressionBytes = 4096
const maxOperators = 300
const maxInOperands = 100

class Reader {
  readonly #tokens: readonly string[]
  readonly #by: Placeholders
  #at = 0
  #operators = 0
  /** Where the last condition in parentheses begins and ends. */
  #group: readonly [begin: number, end: number] = [0, 0]

  constructor(text: string, by: Placeholders) {
    if (Buffer.byteLength(text) > maxExpressionBytes)
      throw invalid('Expression size has exceeded the maximum allowed size')
    this.#tokens = tokensOf(text)
    this.#by = by
    if (this.#tokens.length === 0) throw invalid('The expression can not be empty;')
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? ''
  }

  takes(...words: readonly string[]): boolean {
    if (!words.includes(this.#peek().toUpperCase())) return false
    this.#at += 1
    return true
  }

  #expect(word: string): void {
    if (!this.takes(word)) throw invalid(`Invalid expression: ${word} expected before ${this.#peek() || 'the end'}`)
  }

  // conditions: OR binds least, then AND, then NOT

  condition(): Condition {
    const of = [this.#conjunction()]
    while (this.takes('OR')) of.push(this.#conjunction())
    this.#count(of.length - 1)
    return of.length === 1 ? of[0]! : { is: 'or', of }
  }

  #conjunction(): Condition {
    const of = [this.#negation()]
    while (this.takes('AND')) of.push(this.#negation())
    this.#count(of.length - 1)
    return of.length === 1 ? of[0]! : { is: 'and', of }
  }

  #negation(): Condition {
    if (this.takes('NOT')) {
      this.#count(1)
      return { is: 'not', of: this.#negation() }
    }
    const begin = this.#at
    if (!this.takes('(')) return checked(this.#comparison())
    const inner = this.condition()
    if (this.#group[0] === begin + 1 && this.#group[1] === this.#at) {
      throw invalid('The expression has redundant parentheses;')
    }
    this.#expect(')')
    this.#group = [begin, this.#at]
    return inner
  }

  #count(more: number): void {
    this.#operators += more
    if (this.#operators > maxOperators) throw invalid('The expression contains too many operators')
  }

  #comparison(): Condition {
    this.#count(1)
    const name = this.#peek()
    if (this.#peek(1) === '(') {
      switch (name) {
        case 'attribute_exists':
        case 'attribute_not_exists':
          return { is: name, path: this.#argument() }
        case 'attribute_type':
        case 'begins_with':
        case 'contains': {
          this.#at += 2
          const operand = this.operand()
          this.#expect(',')
          const other = this.operand()
          this.#expect(')')
          return { is: name, operand, other }
        }
      }
    }
    const left = this.operand()
    if (this.takes('BETWEEN')) {
      const from = this.operand()
      this.#expect('AND')
      return { is: 'between', operand: left, from, to: this.operand() }
    }
    if (this.takes('IN')) {
      this.#expect('(')
      const of = [this.operand()]
      while (this.takes(',')) of.push(this.operand())
      this.#expect(')')
      if (of.length > maxInOperands) throw invalid('The IN operator is provided with too many operands')
      return { is: 'in', operand: left, of }
    }
    const by = this.#peek()
    if (!['=', '<>', '<', '<=', '>', '>='].includes(by))
      throw invalid(`Invalid expression: ${by || 'the end'} is no comparator`)
    this.#at += 1
    return { is: 'compare', by: by as Comparator, left, right: this.operand() }
  }

  /** A path in parentheses behind the name of a function. */
  #argument(): Path {
    this.#at += 2
    const path = this.path()
    this.#expect(')')
    return path
  }

  operand(): Operand {
    if (this.#peek() === 'size' && this.#peek(1) === '(') return { is: 'size', path: this.#argument() }
    if (this.#peek().startsWith(':')) return { is: 'value', value: this.#value() }
    return { is: 'path', path: this.path() }
  }

  #value(): Value {
    const placeholder = this.#peek()
    this.#at += 1
    return this.#by.value(placeholder)
  }

  path(): Path {
    const root = this.#name()
    const steps: (string | number)[] = []
    for (;;) {
      if (this.takes('.')) steps.push(this.#name())
      else if (this.takes('[')) {
        const index = Number(this.#peek())
        if (!Number.isInteger(index)) throw invalid('Invalid expression: a list index must be a whole number')
        this.#at += 1
        this.#expect(']')
        steps.push(index)
      } else return { root, steps }
    }
  }

  #name(): string {
    const token = this.#peek()
    if (!/^(#[A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*)$/.test(token)) {
      throw invalid(`Invalid expression: ${token || 'the end'} is no attribute`)
    }
    if (!token.startsWith('#') && !bareNames.has(token))
      throw invalid(`Attribute name may be a reserved keyword: ${token}`)
    this.#at += 1
    return token.startsWith('#') ? this.#by.name(token) : token
  }

  // updates

  update(): Update {
    const update = { set: [], remove: [], add: [], delete: [] } as {
      [Clause in keyof Update]: Update[Clause][number][]
    }
    const seen = new Set<string>()
    while (!this.isAtEnd) {
      const clause = this.#peek().toLowerCase()
      if (!(clause in update) || seen.has(clause)) throw invalid(`Invalid UpdateExpression: ${this.#peek()}`)
      seen.add(clause)
      this.#at += 1
      do {
        const path = this.path()
        if (clause === 'remove') update.remove.push(path)
        else if (clause === 'set') {
          this.#expect('=')
          update.set.push({ path, to: this.#sum() })
        } else update[clause as 'add' | 'delete'].push({ path, value: this.#value() })
      } while (this.takes(','))
    }
    return update
  }

  #sum(): Operand {
    const left = this.#term()
    if (this.takes('+')) return { is: '+', left, right: this.#term() }
    if (this.takes('-')) return { is: '-', left, right: this.#term() }
    return left
  }

  #term(isInList = false): Operand {
    const name = this.#peek()
    if (this.#peek(1) !== '(') return this.operand()
    this.#at += 2
    if (name === 'if_not_exists') {
      const path = this.path()
      this.#expect(',')
      const otherwise = this.#term()
      this.#expect(')')
      return { is: 'if_not_exists', path, otherwise }
    }
    if (name === 'list_append' && !isInList) {
      const first = this.#term(true)
      this.#expect(',')
      const second = this.#term(true)
      this.#expect(')')
      return { is: 'list_append', first, second }
    }
    throw invalid(`Invalid UpdateExpression: Invalid function name; function: ${name}`)
  }
}

/** What DynamoDB refuses of a condition without looking at an item. */
function checked(condition: Condition): Condition {
  switch (condition.is) {
    case 'compare':
      refuseTheSame(condition.left, condition.right)
      if (condition.by !== '=' && condition.by !== '<>') expectTypes(orderedTypes, condition.left, condition.right)
      return condition
    case 'between': {
      const { operand, from, to } = condition
      refuseTheSame(operand, from, to)
      expectTypes(orderedTypes, operand, from, to)
      if (from.is === 'value' && to.is === 'value' && !((order(from.value, to.value) ?? 1) <= 0)) {
        throw invalid('The BETWEEN operator requires an upper bound of the same type, not below the lower bound')
      }
      return condition
    }
    case 'in':
      refuseTheSame(condition.operand, ...condition.of)
      return condition
    case 'begins_with':
    case 'contains':
    case 'attribute_type':
      refuseTheSame(condition.operand, condition.other)
      if (condition.is === 'begins_with') expectTypes(['S', 'B'], condition.operand, condition.other)
      if (condition.is === 'attribute_type') expectTypeName(condition.other)
      return condition
    default:
      return condition
  }
}

const orderedTypes: readonly ValueType[] = ['S', 'N', 'B']

function expectTypes(types: readonly ValueType[], ...operands: readonly Operand[]): void {
  if (operands.some((operand) => operand.is === 'value' && !types.includes(typeOf(operand.value)))) {
    throw invalid('Incorrect operand type for operator or function')
  }
}

function refuseTheSame(first: Operand, ...others: readonly Operand[]): void {
  if (first.is !== 'path' || !others.some((other) => JSON.stringify(other) === JSON.stringify(first))) return
  throw invalid('The first operand must be distinct from the remaining operands for this operator or function')
}

function expectTypeName(operand: Operand): void {
  expectTypes(['S'], operand)
  if (operand.is !== 'value' || !valueTypes.includes(plain(operand.value) as ValueType)) {
    throw invalid('Invalid attribute type name found')
  }
}

export function parseCondition(text: string, by: Placeholders): Condition {
  const reader = new Reader(text, by)
  const condition = reader.condition()
  if (!reader.isAtEnd) throw invalid('Invalid ConditionExpression: syntax error')
  return condition
}

export function parseUpdate(text: string, by: Placeholders): Update {
  const update = new Reader(text, by).update()
  const paths = [...update.set, ...update.add, ...update.delete].map(({ path }) => path).concat(update.remove)
  for (const [at, path] of paths.entries()) {
    if (paths.slice(at + 1).some((other) => overlap(path, other))) {
      throw invalid('Invalid UpdateExpression: Two document paths overlap with each other')
    }
  }
  return update
}

function overlap(one: Path, other: Path): boolean {
  if (one.root !== other.root) return false
  const shorter = Math.min(one.steps.length, other.steps.length)
  return one.steps.slice(0, shorter).every((step, at) => step === other.steps[at])
}

// --- evaluation -----------------------------------------------------------------------------------------------------

function valueAt(item: Item | undefined, { root, steps }: Path): Value | undefined {
  let value = item?.[root]
  for (const step of steps) {
    if (value === undefined) return undefined
    if (typeof step === 'number') value = 'L' in value ? value.L[step] : undefined
    else value = 'M' in value ? value.M[step] : undefined
  }
  return value
}

function evaluate(operand: Operand, item: Item | undefined): Value | undefined {
  switch (operand.is) {
    case 'path':
      return valueAt(item, operand.path)
    case 'value':
      return operand.value
    case 'size': {
      const value = valueAt(item, operand.path)
      const size = value && sizeOf(value)
      return size === undefined ? undefined : numberValue(size)
    }
    default:
      throw invalid(`The function ${operand.is} is not allowed in a condition`)
  }
}

function sizeOf(value: Value): number | undefined {
  switch (typeOf(value)) {
    case 'S':
      return Buffer.byteLength(plain(value) as string)
    case 'B':
      return Buffer.byteLength(plain(value) as string, 'base64')
    case 'N':
    case 'BOOL':
    case 'NULL':
      return undefined
    case 'M':
      return Object.keys(plain(value) as object).length
    default:
      return (plain(value) as unknown[]).length
  }
}

/** Whether a condition holds. A comparison with an attribute that is not there does not, unless it is `<>`. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  switch (condition.is) {
    case 'and':
      return condition.of.every((one) => holds(one, item))
    case 'or':
      return condition.of.some((one) => holds(one, item))
    case 'not':
      return !holds(condition.of, item)
    case 'attribute_exists':
      return valueAt(item, condition.path) !== undefined
    case 'attribute_not_exists':
      return valueAt(item, condition.path) === undefined
    case 'compare':
      return compares(condition.by, evaluate(condition.left, item), evaluate(condition.right, item))
    case 'between': {
      const operand = evaluate(condition.operand, item)
      return (
        compares('>=', operand, evaluate(condition.from, item)) && compares('<=', operand, evaluate(condition.to, item))
      )
    }
    case 'in': {
      const operand = evaluate(condition.operand, item)
      return condition.of.some((one) => compares('=', operand, evaluate(one, item)))
    }
    default:
      return holdsFunction(condition.is, evaluate(condition.operand, item), evaluate(condition.other, item))
  }
}

function compares(by: Comparator, left: Value | undefined, right: Value | undefined): boolean {
  // What is not there differs from everything.
  if (left === undefined || right === undefined) return by === '<>'
  if (by === '=') return isEqual(left, right)
  if (by === '<>') return !isEqual(left, right)
  const difference = order(left, right)
  if (difference === undefined) return false
  switch (by) {
    case '<':
      return difference < 0
    case '<=':
      return difference <= 0
    case '>':
      return difference > 0
    case '>=':
      return difference >= 0
  }
}

function holdsFunction(
  name: 'attribute_type' | 'begins_with' | 'contains',
  value: Value | undefined,
  other: Value | undefined,
): boolean {
  if (value === undefined || other === undefined) return false
  switch (name) {
    case 'attribute_type':
      return typeOf(value) === plain(other)
    case 'begins_with':
      return 'S' in value && 'S' in other && value.S.startsWith(other.S)
    case 'contains':
      return contains(value, other)
  }
}

function contains(value: Value, other: Value): boolean {
  switch (typeOf(value)) {
    case 'S':
      return 'S' in other && (plain(value) as string).includes(other.S)
    case 'L':
      return (plain(value) as Value[]).some((element) => isEqual(element, other))
    case 'SS':
    case 'NS':
    case 'BS':
      return `${typeOf(other)}S` === typeOf(value) && (plain(value) as string[]).includes(plain(other) as string)
    default:
      return false
  }
}

// --- changes --------------------------------------------------------------------------------------------------------

/** The item after an update. Every right-hand side is read from the item as it was. */
export function updated(update: Update, before: Item): Item {
  const assignments = update.set.map(({ path, to }) => ({ path, value: stored(assigned(to, before)) }))
  const additions = update.add.map(({ path, value }) => ({ path, value: added(valueAt(before, path), value) }))
  let item = before
  // By their places, so that elements beyond the end of a list come in order.
  const placed = [...assignments, ...additions].sort((one, other) => lastIndex(one.path) - lastIndex(other.path))
  for (const { path, value } of placed) item = withValue(item, path, value)
  for (const { path, value } of update.delete) {
    const left = without(valueAt(before, path), value)
    item = left === undefined ? withoutPath(item, path) : withValue(item, path, left)
  }
  // From the end of a list to its beginning, so that the places still hold.
  for (const path of [...update.remove].sort((one, other) => lastIndex(other) - lastIndex(one)))
    item = withoutPath(item, path)
  return item
}

function lastIndex({ steps }: Path): number {
  const last = steps.at(-1)
  return typeof last === 'number' ? last : -1
}

const missing = 'The provided expression refers to an attribute that does not exist in the item'
const wrongType = 'An operand in the update expression has an incorrect data type'

function assigned(operand: Operand, item: Item): Value {
  switch (operand.is) {
    case 'if_not_exists':
      return valueAt(item, operand.path) ?? assigned(operand.otherwise, item)
    case 'list_append':
      return { L: [...listIn(assigned(operand.first, item)), ...listIn(assigned(operand.second, item))] }
    case '+':
    case '-': {
      const [left, right] = [assigned(operand.left, item), assigned(operand.right, item)]
      if (!('N' in left && 'N' in right)) throw invalid(wrongType)
      return numberValue(numberIn(left) + (operand.is === '+' ? numberIn(right) : -numberIn(right)))
    }
    default: {
      const value = evaluate(operand, item)
      if (value === undefined) throw invalid(missing)
      return value
    }
  }
}

function listIn(value: Value): readonly Value[] {
  if (!('L' in value)) throw invalid(wrongType)
  return value.L
}

const setTypes: readonly ValueType[] = ['SS', 'NS', 'BS']

function added(there: Value | undefined, value: Value): Value {
  const type = typeOf(value)
  if (type !== 'N' && !setTypes.includes(type)) throw invalid(wrongType)
  if (there === undefined) return stored(value)
  if (typeOf(there) !== type) throw invalid(wrongType)
  if (type === 'N') return numberValue(numberIn(there) + numberIn(value))
  return setOf(type, [...new Set([...(plain(there) as string[]), ...(plain(value) as string[])])])
}

function setOf(type: ValueType, members: readonly string[]): Value {
  return type === 'NS' ? { NS: members } : type === 'BS' ? { BS: members } : { SS: members }
}

/** @returns undefined where nothing of the set is left */
function without(there: Value | undefined, value: Value): Value | undefined {
  const type = typeOf(value)
  if (!setTypes.includes(type)) throw invalid(wrongType)
  if (there === undefined) return undefined
  if (typeOf(there) !== type) throw invalid(wrongType)
  const left = (plain(there) as string[]).filter((member) => !(plain(value) as string[]).includes(member))
  return left.length === 0 ? undefined : setOf(type, left)
}

const wrongPath = 'The document path provided in the update expression is invalid for update'

function withValue(item: Item, { root, steps }: Path, value: Value): Item {
  return { ...item, [root]: placed(item[root], steps, value) }
}

function placed(there: Value | undefined, steps: readonly (string | number)[], value: Value): Value {
  const [step, ...rest] = steps
  if (step === undefined) return value
  if (there === undefined) throw invalid(wrongPath)
  if (typeof step === 'string') {
    if (!('M' in there)) throw invalid(wrongPath)
    return { M: { ...there.M, [step]: placed(there.M[step], rest, value) } }
  }
  if (!('L' in there)) throw invalid(wrongPath)
  const list = [...there.L]
  // A place beyond the end is the end.
  const at = Math.min(step, list.length)
  list[at] = placed(list[at], rest, value)
  return { L: list }
}

function withoutPath(item: Item, { root, steps }: Path): Item {
  if (steps.length === 0) {
    const { [root]: _, ...rest } = item
    return rest
  }
  const there = item[root]
  if (there === undefined) throw invalid(wrongPath)
  return { ...item, [root]: dropped(there, steps) }
}

function dropped(there: Value, [step, ...rest]: readonly (string | number)[]): Value {
  if (typeof step === 'string') {
    if (!('M' in there)) throw invalid(wrongPath)
    const { [step]: inner, ...others } = there.M
    if (rest.length === 0) return { M: others }
    if (inner === undefined) throw invalid(wrongPath)
    return { M: { ...there.M, [step]: dropped(inner, rest) } }
  }
  if (!('L' in there)) throw invalid(wrongPath)
  const inner = there.L[step!]
  if (inner === undefined) {
    if (rest.length > 0) throw invalid(wrongPath)
    return there
  }
  return {
    L: there.L.flatMap((element, at) => (at !== step ? [element] : rest.length === 0 ? [] : [dropped(inner, rest)])),
  }
}
