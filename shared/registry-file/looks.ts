/** The schema of what people see of an application: texts, descriptions, logo, accent and support address. */

import * as v from 'valibot'
import { isConfidential } from '../domain/loopback.ts'
import { accentContrast, cardColours, minAccentContrast, type Scheme, schemes } from '../pages/accent.ts'
import { members, scope, text } from './values.ts'

/** Every Lambda reads the application's record every ten seconds, so the logo must be small. */
const maxLogoCharacters = 8_192
const maxDescriptions = 64

/** One text for all languages, or one per language. */
export const localText = (maxLength: number) =>
  v.union(
    [text(maxLength), members({ en: text(maxLength), de: v.optional(text(maxLength)) })],
    `must be 1 to ${maxLength} characters, or such texts by language: { "en": "…", "de": "…" }, "en" always`,
  )

const description = members({ title: localText(64), detail: v.optional(localText(200)) })
const descriptions = <Name extends typeof scope | ReturnType<typeof text>>(name: Name) =>
  v.pipe(
    v.record(name, description),
    v.check((all) => Object.keys(all).length <= maxDescriptions, `must not be more than ${maxDescriptions}`),
  )

const logo = v.pipe(
  text(maxLogoCharacters),
  v.check(isImage, 'must be a PNG or an SVG as a data: URL in base64: data:image/png;base64,…'),
)

const colour = v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #0f6b54'))
const accent = v.pipe(
  v.union(
    [colour, members({ light: colour, dark: colour })],
    'must be a colour such as #0f6b54, or { "light": "#…", "dark": "#…" }',
  ),
  v.transform((given) => (typeof given === 'string' ? { light: given, dark: given } : given)),
  ...([hasContrast('light'), hasContrast('dark')] as const),
)

export const looks = {
  logo: v.optional(logo),
  accent: v.optional(accent),
  supportUrl: v.optional(
    v.pipe(
      text(256),
      v.check(isSupportUrl, 'must be an https URL or a mailto: address; http is for a loopback address'),
    ),
  ),
  scopes: v.optional(descriptions(scope)),
  resources: v.optional(descriptions(text(128))),
}

/** WCAG 2.2 §1.4.11. */
function hasContrast(scheme: Scheme) {
  return v.check(
    (given: Readonly<Record<Scheme, string>>) => accentContrast(given, scheme) >= minAccentContrast,
    ({ input }) => {
      const ratio = Math.floor(accentContrast(input, scheme) * 10) / 10
      const isSame = schemes.every((one) => input[one] === input[scheme])
      const advice = isSame ? ': give one for each scheme, { "light": "#…", "dark": "#…" }' : ''
      return `has a contrast of ${ratio}:1 to the page (${cardColours[scheme]}) in the ${scheme} scheme, and needs ${minAccentContrast}:1${advice}`
    },
  )
}

/** A PNG or SVG. The pages show it as an image, so an SVG runs no script and loads nothing. */
function isImage(url: string): boolean {
  const [, type, base64 = ''] = /^data:image\/(png|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})$/.exec(url) ?? []
  const bytes = Buffer.from(base64, 'base64')
  if (type === 'png') return bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))
  return (
    type !== undefined &&
    /^\s*(<\?xml[^>]*>\s*)?<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/.test(bytes.toString())
  )
}

function isSupportUrl(address: string): boolean {
  if (/^mailto:[^\s@?]+@[^\s@?]+$/.test(address)) return true
  const url = URL.parse(address)
  if (url === null || url.username !== '' || url.password !== '') return false
  return isConfidential(url)
}
