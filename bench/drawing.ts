/**
 * The frame that all pictures of the bench share, and their colours for light and dark themes.
 */

export type Picture = {
  readonly width: number
  readonly height: number
  readonly title: string
  /** Everything that the picture shows, for readers who cannot see it. */
  readonly description: string
  /** Additional CSS for this picture. */
  readonly style: string
  readonly body: string
}

/** @returns an SVG that follows the reader's light or dark theme */
export function pictureOf({ width, height, title, description, style, body }: Picture): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${themes}${style}</style>
<rect class="back" width="${width}" height="${height}" rx="12"/>
${body}
</svg>
`
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** The colours of both themes. Each text colour has a contrast of at least 4.5:1. */
const themes = `
svg { --text: #1f2933; --dim: #52606d; --grid: #dde3ea; --back: #f7f9fb; --bar: #9aa5b1 }
svg { --green: #0f6b54; --blue: #1d5fc4; --orange: #a2480b; --violet: #7440c4; --red: #b81f3a }
@media (prefers-color-scheme: dark) {
  svg { --text: #e4e7eb; --dim: #9aa5b1; --grid: #2b323c; --back: #161b22; --bar: #616e7c }
  svg { --green: #4cc9a4; --blue: #7cb3ff; --orange: #f2a65a; --violet: #bd9cff; --red: #ff8095 }
}
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--text) }
.back { fill: var(--back) }
.hint { fill: var(--dim) }
`
