/**
 * How every page looks: one stylesheet, light and dark, from a 320 px phone to a desk.
 *
 * It is inline and allowed by its hash, so it holds no url() and no font or picture from anywhere. Every pair of text and
 * background has a contrast of at least 4.5:1, and the outlines of what can be operated at least 3:1 (WCAG 2.2 §1.4.3,
 * §1.4.11); a test measures both. An application's accent takes the place of three colours (accent.ts).
 */

import { cardColours } from './accent.ts'

const colours = `
:root {
  color-scheme: light dark;
  --ground: #f2f4f3; --card: ${cardColours.light}; --text: #17211e; --muted: #55625d; --line: #dce2df; --edge: #7f8c86;
  --accent: #0f6b54; --accent-strong: #0a5341; --on-accent: #ffffff; --tint: #eef5f2;
  --good: #0f6b54; --good-tint: #e2f2ec; --bad: #a3261f; --bad-tint: #fcecea; --note: #7a4b00; --note-tint: #fdf3df;
  --shadow: 0 1px 2px rgb(16 32 26 / 6%), 0 12px 32px rgb(16 32 26 / 8%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1413; --card: ${cardColours.dark}; --text: #e6ecea; --muted: #a3b0ab; --line: #2c3633; --edge: #74827c;
    --accent: #62c6a6; --accent-strong: #86d9bf; --on-accent: #06231b; --tint: #1f2926;
    --good: #62c6a6; --good-tint: #16332a; --bad: #ff9d94; --bad-tint: #3a1e1c; --note: #f0c274; --note-tint: #33280f;
    --shadow: none;
  }
}`

const frame = `
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  display: flex; flex-direction: column; min-height: 100vh; min-height: 100dvh; margin: 0; padding: 2rem 1rem;
  background: var(--ground); color: var(--text); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
}
.card {
  width: 100%; max-width: 27.5rem; margin: auto; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 1rem; box-shadow: var(--shadow);
}
@media (max-width: 32rem) {
  body { padding: 0; background: var(--card); }
  .card { max-width: none; margin: 0; padding: 1.5rem 1.25rem 2rem; border: 0; border-radius: 0; box-shadow: none; }
}
.brand { display: flex; align-items: center; gap: .625rem; margin: 0 0 1.75rem; color: var(--muted); font-weight: 600; }
.logo { flex: none; width: 2rem; height: 2rem; border-radius: .5rem; background: #ffffff; object-fit: contain; }
.monogram {
  display: grid; flex: none; place-items: center; width: 2rem; height: 2rem; overflow: hidden; border-radius: .5rem;
  background: var(--accent); color: var(--on-accent); font-size: 1rem; line-height: 1;
}
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin: 0 0 .5rem; font-size: 1rem; line-height: 1.5; }
p { margin: 0 0 1rem; text-wrap: pretty; }
main > :last-child, .notice > :last-child { margin-bottom: 0; }
.lead, .hint { color: var(--muted); }
.hint { font-size: .875rem; }
.hint code { display: block; }
.icon { display: block; width: 3rem; height: 3rem; margin: 0 0 1rem; padding: .75rem; border-radius: 50%; }
.good { background: var(--good-tint); color: var(--good); }
.bad { background: var(--bad-tint); color: var(--bad); }
.note { background: var(--note-tint); color: var(--note); }
.calm { background: var(--tint); color: var(--muted); }
.notice { margin: 0 0 1.5rem; padding: .75rem 1rem; border-radius: .625rem; font-size: .9375rem; }`

const form = `
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
.code, code, dd {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", "Liberation Mono", monospace;
}
.code {
  font-size: clamp(1.5rem, 8.5vw, 2rem); font-weight: 600; letter-spacing: .08em; line-height: 1.25; text-align: center;
}
input.code {
  display: block; width: 100%; margin: .75rem 0 1.5rem; padding: .75rem .5rem; border: 2px solid var(--edge);
  border-radius: .625rem; background: transparent; color: inherit; text-transform: uppercase;
}
input.code[aria-invalid] { border-color: var(--bad); }
.compare { margin: 1.5rem 0; padding: 1rem; border-radius: .75rem; background: var(--tint); text-align: center; }
.compare p { margin: 0; }
.compare .code { margin: .25rem 0 0; }
.origin {
  display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; margin: .75rem 0 0; padding: .75rem 0 0;
  border-top: 1px solid var(--line); font-size: .875rem; text-align: start;
}
.origin small { display: block; color: var(--muted); font-size: .8125rem; }
.origin dt { color: var(--muted); }
.origin dd { margin: 0; font: inherit; white-space: normal; }
.scopes { margin: 0 0 1.5rem; padding: 0; list-style: none; }
.scopes li {
  padding: .5rem 0; border-top: 1px solid var(--line);
}
.scopes li:last-child { border-bottom: 1px solid var(--line); }
.scopes small { display: block; color: var(--muted); font-size: .875rem; }
.scopes .raw { font-size: .9375rem; }
button, .button {
  display: block; width: 100%; min-height: 3rem; margin: 0 0 .75rem; padding: .6875rem 1rem;
  border: 2px solid var(--accent);
  border-radius: .625rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer;
}
button:hover, .button:hover { border-color: var(--accent-strong); background: var(--accent-strong); }
.decision { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin: 0 0 .75rem; }
.decision button { margin: 0; }
button.deny { border-color: var(--text); background: var(--text); color: var(--card); }
button.deny:hover { border-color: var(--muted); background: var(--muted); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
details {
  margin: 1.5rem 0 0; padding: .5rem 0 0; border-top: 1px solid var(--line); color: var(--muted); font-size: .875rem;
}
summary { padding: .5rem 0; border-radius: .25rem; cursor: pointer; }
dl { margin: .25rem 0 0; }
footer { margin: 1.5rem 0 0; font-size: .875rem; }
footer a { color: var(--muted); }
dd { margin: 0 0 .625rem; color: var(--text); font-size: .8125rem; white-space: pre-wrap; }`

export const stylesheet = colours + frame + form
