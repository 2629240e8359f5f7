/**
 * The little of HTML that a person's browser needs here: which forms a page has and what is in them, and its text.
 *
 * Owns reading markup. Must not know whose page it reads.
 */

export type Field = { readonly name: string; readonly type: string; readonly value: string }

export type Form = {
  readonly action: URL
  readonly method: 'GET' | 'POST'
  readonly fields: readonly Field[]
  /** Submit buttons; one without a name adds nothing to the form. */
  readonly buttons: readonly Field[]
}

type Attributes = ReadonlyMap<string, string>

/** Every form of the page; a relative action is resolved against the page's own address. */
export function formsIn(html: string, page: URL): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head = '', inside = '']) => {
    const attributes = attributesIn(head)
    const controls = [...inside.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, tag = '', rest = '']) =>
      control(tag.toLowerCase(), attributesIn(rest)),
    )
    return {
      action: new URL(attributes.get('action') || page.href, page),
      method: attributes.get('method')?.toLowerCase() === 'post' ? 'POST' : 'GET',
      fields: controls.filter(({ type }) => type !== 'submit' && type !== 'button'),
      buttons: controls.filter(({ type }) => type === 'submit'),
    }
  })
}

function control(tag: string, attributes: Attributes): Field {
  const type = attributes.get('type')?.toLowerCase() ?? (tag === 'button' ? 'submit' : 'text')
  return { name: attributes.get('name') ?? '', type, value: attributes.get('value') ?? '' }
}

function attributesIn(text: string): Attributes {
  const found = new Map<string, string>()
  for (const [, name = '', double, single, bare] of text.matchAll(
    /([^\s"'=/>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  )) {
    found.set(name.toLowerCase(), decoded(double ?? single ?? bare ?? ''))
  }
  return found
}

/** What a person reads: no styles, no tags, white space as one space. */
export function textIn(html: string): string {
  const visible = html.replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
  return decoded(visible).replace(/\s+/g, ' ').trim()
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

function decoded(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#[0-9]+|[a-z]+);/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return named[entity.toLowerCase()] ?? whole
    const hex = entity[1]?.toLowerCase() === 'x'
    return String.fromCodePoint(Number.parseInt(entity.slice(hex ? 2 : 1), hex ? 16 : 10))
  })
}
