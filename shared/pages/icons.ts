/** Icons in a 24 by 24 box, inline because the pages may load nothing. */

import { type Html, html } from './html.ts'

export type IconName = 'check' | 'cross' | 'exclamation' | 'clock'

const icons: Readonly<Record<IconName, Html>> = {
  check: html`<path d="M5 12.5l4.5 4.5L19 7.5"/>`,
  cross: html`<path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/>`,
  exclamation: html`<path d="M12 4v9.5M12 19.5v.01"/>`,
  clock: html`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>`,
}

export function icon(name: IconName): Html {
  return icons[name]
}
