/**
 * The stylesheet of the start page and of the activity in its frame.
 */

export const stylesheet = `
:root {
  color-scheme: light dark; --ground: #f4f6f5; --card: #fff; --text: #16211f; --muted: #53625e; --edge: #d3dbd8;
  --accent: #0b6b5b; --code: #eef3f1; --good: #0b6b5b; --bad: #a3261f; --warn: #855800;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1514; --card: #18201e; --text: #e8efed; --muted: #a3b3ae; --edge: #34413d;
    --accent: #6fd6c0; --code: #222d2a; --good: #6fd6c0; --bad: #ff9d94; --warn: #f0bd5b;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: anywhere; font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 1.25rem 1rem; }
header { padding-bottom: 0; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 0 0 .75rem; font-size: 1.125rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
p { margin: 0 0 .75rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.lead, .muted { color: var(--muted); }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
section { padding: 1.25rem; border: 1px solid var(--edge); border-radius: .75rem; background: var(--card); }
@media (min-width: 60rem) {
  main { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .wide { grid-column: 1 / -1; }
}
dl { display: grid; gap: .125rem 1rem; margin: 0; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; }
@media (min-width: 30rem) {
  dl { grid-template-columns: max-content minmax(0, 1fr); }
  dd { margin: 0; }
}
code, pre { font: .875rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre {
  margin: 0 0 1rem; padding: .625rem .75rem; overflow: auto; border-radius: .5rem; background: var(--code);
  white-space: pre-wrap; overflow-wrap: anywhere; -webkit-user-select: all; user-select: all;
}
@media (max-width: 40rem) { pre { white-space: pre; } }
ol { margin: 0; padding-left: 1.25rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; text-align: left; }
th, td { padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--edge); }
  td { display: block; padding: 0; border: 0; }
  td:empty { display: none; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--muted); }
}
.live { display: flex; flex-direction: column; }
iframe { flex: 1; display: block; width: 100%; min-height: 20rem; border: 0; color-scheme: light dark; }
.activity { background: var(--card); font-size: .875rem; }
.activity p { padding: .5rem 0; }
.activity li { padding: .375rem 0; border-bottom: 1px solid var(--edge); }
.activity ol { padding: 0; list-style: none; }
.what { font-weight: 600; }
.good .what { color: var(--good); }
.bad .what { color: var(--bad); }
.warn .what { color: var(--warn); }
.plain .what { color: var(--muted); font-weight: 400; }
time { margin-right: .5rem; color: var(--muted); font-variant-numeric: tabular-nums; }
`
