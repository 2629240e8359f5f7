/**
 * Texts that the registry may give in several languages: `"Reports"`, or `{ "en": "Reports", "de": "Berichte" }`.
 */

/** The languages of the pages. English is first: whoever asks for none of them reads it. */
export const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

/** A plain text is good for every language. */
export type LocalText =
  | string
  | ({ readonly en: string } & { readonly [Other in Exclude<Language, 'en'>]?: string | undefined })

/** What a scope or an audience means to the person who is asked for it. */
export type Description = { readonly title: LocalText; readonly detail?: LocalText | undefined }

/** The text in that language, or else in English. */
export function inLanguage(text: LocalText, language: Language): string {
  return typeof text === 'string' ? text : (text[language] ?? text.en)
}
