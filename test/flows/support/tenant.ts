/**
 * What a person does at the device pages of the local tenant (local/identity-provider/device-pages.ts).
 */
import assert from 'node:assert/strict'
import { type Page, Person } from './person.ts'

export type Connecting = {
  readonly decision?: 'confirm' | 'abort'
  /** Typed where the address does not bring one along. */
  readonly userCode?: string
  readonly person?: Person
}

/** From the address that a device shows to the page at the end. */
export async function connectDevice(uri: string, connecting: Connecting = {}): Promise<Page> {
  const { decision = 'confirm', userCode, person = new Person() } = connecting
  let page = await person.open(uri)
  // An address with the code leads to a form that a script submits.
  page = await person.submit(page, formOf(page), userCode === undefined ? {} : { user_code: userCode })
  if (!asksToConfirm(page)) return page
  page = await person.submit(page, formOf(page), {}, decision)
  const asksWho = page.forms.some(({ fields }) => fields.some(({ name }) => name === 'login'))
  if (!asksWho) return page
  return person.submit(page, formOf(page), { login: person.name, password: 'secret' })
}

const asksToConfirm = ({ forms }: Page) => forms.some(({ buttons }) => buttons.some(({ name }) => name === 'confirm'))

function formOf({ forms: [form], url }: Page) {
  assert.ok(form, `a form at ${url.pathname}`)
  return form
}
