/** Texts of the registry in one or several languages: `"Reports"`, or `{ "en": "Reports", "de": "Berichte" }`. */

/** The languages of the pages. The first is the default. */
export const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

/** A plain string is for every language. */
export type LocalText =
  | string
  | ({ readonly en: string } & { readonly [Other in Exclude<Language, 'en'>]?: string | undefined })

/** The description of a scope or an audience on the consent page. */
export type Description = { readonly title: LocalText; readonly detail?: LocalText | undefined }

/** The text in a language, or else in English. */
export function inLanguage(text: LocalText, language: Language): string {
  return typeof text === 'string' ? text : (text[language] ?? text.en)
}
