/**
 * What is measured inside the browser: contrast, overflow, focus.
 *
 * Owns the expressions, as source text: they run in the page, where none of this program's names exist. Must not know
 * which pages there are.
 */

/** One thing that must stand out from what is behind it. */
export type Contrast = { readonly what: string; readonly ratio: number; readonly needed: number }

/** What has the focus, how its outline stands out, and whether it is in view. */
export type Focus = {
  readonly what: string
  readonly outlinePixels: number
  readonly ratio: number
  readonly inView: boolean
}

/** WCAG 2.2: relative luminance, contrast ratio, and the opaque colour behind an element. */
const colours = `
const channels = (css) => {
  const [r, g, b, a = 1] = css.match(/[\\d.]+/g).map(Number)
  return { rgb: [r, g, b], a }
}
const over = (top, below) => top.rgb.map((channel, i) => channel * top.a + below[i] * (1 - top.a))
const behind = (element) => {
  if (element === null) return [255, 255, 255]
  const colour = channels(getComputedStyle(element).backgroundColor)
  return colour.a === 1 ? colour.rgb : over(colour, behind(element.parentElement))
}
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const ratio = (css, ground) => {
  const [light, dark] = [over(channels(css), ground), ground].map(luminance).sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}`

/** Every text against its background (§1.4.3), every picture and every outline of a control against its own (§1.4.11). */
export const measureContrast = `(() => {
  ${colours}
  const measured = []
  const note = (what, css, ground, needed) => measured.push({ what, ratio: ratio(css, ground), needed })
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    if (text.data.trim() === '') continue
    note(text.data.trim(), getComputedStyle(text.parentElement).color, behind(text.parentElement), 4.5)
  }
  for (const field of document.querySelectorAll('input:not([type=hidden])'))
    note('typed text', getComputedStyle(field).color, behind(field), 4.5)
  for (const picture of document.querySelectorAll('svg'))
    note('picture', getComputedStyle(picture).color, behind(picture), 3)
  for (const control of document.querySelectorAll('button, .button, input:not([type=hidden])'))
    note('outline of ' + control.tagName, getComputedStyle(control).borderTopColor, behind(control.parentElement), 3)
  return measured
})()`

/** Elements that stick out of the window, with everything folded away unfolded. */
export const findOverflow = `(() => {
  for (const details of document.querySelectorAll('details')) details.open = true
  const width = document.documentElement.clientWidth
  const wide = [...document.querySelectorAll('body *')].filter((element) => {
    const box = element.getBoundingClientRect()
    return box.width > 0 && (box.right > width + 0.5 || box.left < -0.5)
  })
  const scrolls = document.documentElement.scrollWidth > width ? ['the page scrolls sideways'] : []
  return [...scrolls, ...wide.map((element) => element.tagName + ': ' + element.textContent.slice(0, 40))]
})()`

export const describeFocus = `(() => {
  ${colours}
  const element = document.activeElement
  const style = getComputedStyle(element)
  const box = element.getBoundingClientRect()
  return {
    what: element === document.body ? 'page' : element.id || element.textContent.trim(),
    outlinePixels: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    ratio: ratio(style.outlineColor, behind(element.parentElement)),
    inView: box.top >= 0 && box.bottom <= window.innerHeight,
  }
})()`
