/**
 * An application's accent colour: what is drawn in it, and whether it can be seen (WCAG 2.2).
 *
 * It fills buttons, and outlines whatever has the focus. Text on it is black or white, whichever stands out more, which is
 * 4.58:1 at least for every colour there is (§1.4.3). Against the page it needs 3:1 (§1.4.11).
 */

/** A colour for each scheme, as `#rrggbb`. */
export type Accent = { readonly light: string; readonly dark: string }
export type Scheme = keyof Accent

export const schemes = ['light', 'dark'] as const
/** What is behind everything that has the accent. */
export const cardColours: Accent = { light: '#ffffff', dark: '#181f1d' }
/** §1.4.11, of the outlines of controls. */
export const minAccentContrast = 3

/** The accent's contrast to the page. */
export function accentContrast(accent: Accent, scheme: Scheme): number {
  return contrast(accent[scheme], cardColours[scheme])
}

/** The rules that give the pages this accent. */
export function accentStylesheet(accent: Accent): string {
  const { light, dark } = { light: declarations(accent.light), dark: declarations(accent.dark) }
  return `:root { ${light} }\n@media (prefers-color-scheme: dark) { :root { ${dark} } }`
}

function declarations(accent: string): string {
  const onAccent = contrast(accent, '#ffffff') >= contrast(accent, '#000000') ? '#ffffff' : '#000000'
  // A pointed-at button moves away from its text's colour, so it stays as readable.
  const strong = mixed(accent, onAccent === '#ffffff' ? '#000000' : '#ffffff', 0.2)
  return `--accent: ${accent}; --accent-strong: ${strong}; --on-accent: ${onAccent};`
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [r, g, b] = channelsOf(colour)
    .map((channel) => channel / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function mixed(colour: string, other: string, share: number): string {
  const theirs = channelsOf(other)
  const channels = channelsOf(colour).map((channel, at) => Math.round(channel * (1 - share) + theirs[at]! * share))
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

function channelsOf(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
}
