/** Picks the language of the reader, and the texts of the registry in that language. */

import { type Description, inLanguage, type Language, languages } from '../domain/local-text.ts'
import { type Call, header } from '../http/call.ts'
import type { Described, Look } from '../pages/look.ts'

/** The look of a call's pages. A call that failed early may have no application, or no parameters yet. */
export function pageLook({ application, parameters, event, language: known }: Partial<Call>): Look {
  const acceptLanguage = event && header(event, 'accept-language')
  const language = known ?? pickLanguage(parameters?.optional('ui_locales'), acceptLanguage)
  return {
    language,
    applicationName: application && inLanguage(application.displayName, language),
    logo: application?.logo,
    accent: application?.accent,
    supportUrl: application?.supportUrl,
    scopes: inOneLanguage(application?.scopeDescriptions, language),
    resources: inOneLanguage(application?.resources, language),
  }
}

/**
 * @param uiLocales what the client asks for (OIDC Core §3.1.2.1), language tags in order of preference; it goes first
 * @param acceptLanguage what the browser asks for (RFC 9110 §12.5.4)
 */
export function pickLanguage(uiLocales: string | undefined, acceptLanguage: string | undefined): Language {
  const wanted = [...(uiLocales?.split(' ') ?? []), ...byPreference(acceptLanguage ?? '')]
  return wanted.map(languageOf).find((language) => language !== undefined) ?? languages[0]
}

/** `de-AT;q=0.8, en` in the order of the reader's preference; what they refuse (`q=0`) is left out. */
function byPreference(acceptLanguage: string): string[] {
  return acceptLanguage
    .slice(0, 512)
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => parameter.toLowerCase().startsWith('q='))?.slice(2)
      return { tag, quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag)
}

/** RFC 4647 §3.4: `de-AT` is served by `de`. */
function languageOf(tag: string): Language | undefined {
  const primary = tag.split('-')[0]?.toLowerCase()
  return languages.find((language) => language === primary)
}

function inOneLanguage(
  descriptions: Readonly<Record<string, Description>> | undefined,
  language: Language,
): Readonly<Record<string, Described>> | undefined {
  if (descriptions === undefined) return undefined
  return Object.fromEntries(
    Object.entries(descriptions).map(([name, { title, detail }]) => [
      name,
      { title: inLanguage(title, language), detail: detail && inLanguage(detail, language) },
    ]),
  )
}
