/**
 * QR codes, read back by a reader that shares nothing with the writer.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawQr, type QrCode, qrCode } from '../../cli/qr.ts'

/** Of level L, by version: codewords of data in each block, and of correction (ISO/IEC 18004, table 9). */
const layout: Readonly<Record<number, readonly [data: readonly number[], correction: number]>> = {
  1: [[19], 7],
  2: [[34], 10],
  3: [[55], 15],
  4: [[80], 20],
  5: [[108], 26],
  6: [[68, 68], 18],
  7: [[78, 78], 20],
  8: [[97, 97], 24],
  9: [[116, 116], 30],
  10: [[68, 68, 69, 69], 18],
}

/** Powers of two in GF(256), for the check of the correction. */
const powers = [1]
for (let at = 1; at < 255; at += 1) {
  const next = powers[at - 1]! << 1
  powers.push(next > 255 ? next ^ 0x11d : next)
}
const product = (a: number, b: number) =>
  a === 0 || b === 0 ? 0 : powers[(powers.indexOf(a) + powers.indexOf(b)) % 255]!

function read(code: QrCode): string {
  const size = code.length
  const version = (size - 17) / 4
  const mask = maskIn(code)
  const bits: number[] = []
  let isUpward = true
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1
    for (let step = 0; step < size; step += 1) {
      const row = isUpward ? size - 1 - step : step
      for (const column of [right, right - 1]) {
        if (!isFunction(version, size, row, column))
          bits.push(Number(code[row]![column] !== inverts(mask, row, column)))
      }
    }
    isUpward = !isUpward
  }
  const words = Array.from({ length: bits.length >> 3 }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((word, bit) => word * 2 + bit, 0),
  )
  return textIn(dataIn(words, version), version)
}

/** The two copies of the format must be equal, of level L, and an undamaged code word. */
function maskIn(code: QrCode): number {
  const size = code.length
  const upper = [0, 1, 2, 3, 4, 5, 7, 8].map((row) => code[row]![8]!)
  const left = [7, 5, 4, 3, 2, 1, 0].map((column) => code[8]![column]!)
  const one = [...upper, ...left]
  const other = [
    ...Array.from({ length: 8 }, (_, at) => code[8]![size - 1 - at]!),
    ...Array.from({ length: 7 }, (_, at) => code[size - 7 + at]![8]!),
  ]
  assert.deepEqual(one, other)
  const format = one.reduceRight((sum, isDark) => sum * 2 + Number(isDark), 0) ^ 0x5412
  let rest = format
  for (let bit = 14; bit >= 10; bit -= 1) if ((rest >> bit) & 1) rest ^= 0x537 << (bit - 10)
  assert.equal(rest, 0, 'the format is a code word')
  assert.equal(format >> 13, 0b01, 'level L')
  return (format >> 10) & 7
}

function inverts(mask: number, row: number, column: number): boolean {
  const [sum, times] = [row + column, row * column]
  const third = [times % 2, times % 3, sum % 2, column % 3, sum % 3] as const
  const rests = [third[2], row % 2, third[3], third[4], ((row >> 1) + Math.floor(column / 3)) % 2]
  const more = [third[0] + third[1], (third[0] + third[1]) % 2, (third[2] + third[1]) % 2]
  return [...rests, ...more][mask] === 0
}

function isFunction(version: number, size: number, row: number, column: number): boolean {
  if (row === 6 || column === 6) return true
  const near = (at: number) => at < 9
  const far = (at: number) => at >= size - 8
  if ((near(row) && near(column)) || (near(row) && far(column)) || (far(row) && near(column))) return true
  if (version >= 7 && ((row < 6 && column >= size - 11) || (column < 6 && row >= size - 11))) return true
  if (version === 1) return false
  const last = size - 7
  const centres = version < 7 ? [6, last] : [6, (6 + last) / 2, last]
  return centres.some((y) =>
    centres.some((x) => {
      const isFinder = (y === 6 && x === 6) || (y === 6 && x === last) || (y === last && x === 6)
      return !isFinder && Math.abs(row - y) <= 2 && Math.abs(column - x) <= 2
    }),
  )
}

/** Undoes the interleaving and checks each block: at every root of the generator it must be 0. */
function dataIn(words: readonly number[], version: number): number[] {
  const [lengths, correction] = layout[version]!
  const blocks: number[][] = lengths.map(() => [])
  let at = 0
  for (let index = 0; index < Math.max(...lengths); index += 1) {
    for (const [block, length] of lengths.entries()) if (index < length) blocks[block]!.push(words[at++]!)
  }
  const data = blocks.flatMap((block) => [...block])
  for (let index = 0; index < correction; index += 1) for (const block of blocks) block.push(words[at++]!)
  for (const block of blocks) {
    for (let root = 0; root < correction; root += 1) {
      const value = block.reduce((sum, word) => product(sum, powers[root]!) ^ word, 0)
      assert.equal(value, 0, `syndrome ${root} of version ${version}`)
    }
  }
  return data
}

function textIn(data: readonly number[], version: number): string {
  const bits = data.map((word) => word.toString(2).padStart(8, '0')).join('')
  assert.equal(bits.slice(0, 4), '0100', 'byte mode')
  const lengthBits = version < 10 ? 8 : 16
  const length = Number.parseInt(bits.slice(4, 4 + lengthBits), 2)
  const from = 4 + lengthBits
  return Buffer.from(
    Array.from({ length }, (_, at) => Number.parseInt(bits.slice(from + at * 8, from + at * 8 + 8), 2)),
  ).toString()
}

const address = `https://broker.example.com/demo/activate?user_code=BCDF-GHJK&${'more-'.repeat(50)}`
/** The most that each version holds, and one more than the one before. */
const lengths = [1, 17, 18, 32, 33, 53, 54, 78, 79, 106, 107, 134, 135, 154, 155, 192, 193, 230, 231, 271]

for (const length of lengths) {
  test(`${length} characters are read as they were written`, () => {
    const text = address.slice(0, length)
    assert.equal(read(qrCode(text)!), text)
  })
}

test('the version is the smallest that holds the text', () => {
  const versions = [17, 32, 53, 78, 106, 134, 154, 192, 230, 271].map((length) => qrCode('x'.repeat(length))!.length)
  assert.deepEqual(versions, [21, 25, 29, 33, 37, 41, 45, 49, 53, 57])
})

test('letters beyond ASCII count as their bytes', () => {
  assert.equal(read(qrCode('https://bröker.example/ü')!), 'https://bröker.example/ü')
})

test('a text that is too long has none', () => {
  assert.equal(qrCode('x'.repeat(272)), undefined)
})

test('the drawing has two rows to a line, light drawn, and a quiet zone around it', () => {
  const code = qrCode('https://broker.example.com')!
  const lines = drawQr(code)
  assert.equal(lines.length, Math.ceil((code.length + 4) / 2))
  assert.ok(lines.every((line) => line.length === code.length + 4 && line.startsWith('██')))
  assert.equal(lines[0], '█'.repeat(code.length + 4))
})
