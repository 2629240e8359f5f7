import fc from 'fast-check'

/** Any code point except surrogates, as fast-check's unit `binary`, which takes a second of CPU per process to set up. */
export const anyCharacter = fc
  .nat({ max: 0x10ffff - 0x800 })
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + 0x800))
