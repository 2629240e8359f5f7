/**
 * QR codes (ISO/IEC 18004), for an address on a terminal: byte mode, error correction level L, versions 1 to 10.
 *
 * Owns the encoding. Pure. Up to 271 bytes; what is longer has none. Numbers of sections are those of the 2015 edition.
 */

/** Rows of modules, true is dark, without the quiet zone. */
export type QrCode = readonly (readonly boolean[])[]

/** Table 9, level L: error correction codewords of each block, and how many blocks, by version. */
const correctionPerBlock = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18]
const blocks = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4]
/** Table 1: codewords in all. */
const codewords = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346]
/** Annex E: centres of the alignment patterns. */
const alignments = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]]

/** Table 10: the masks, by row and column. */
const masks: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
]

/** @returns undefined when the text is too long */
export function qrCode(text: string): QrCode | undefined {
  const bytes = Buffer.from(text)
  for (let version = 1; version <= codewords.length; version += 1) {
    const data = dataCodewords(bytes, version)
    if (data === undefined) continue
    const sequence = withCorrection(data, version)
    const drawn = masks.map((_, mask) => draw(version, sequence, mask))
    return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best))
  }
  return undefined
}

/** Two rows to a line, light modules drawn: for white on black, with a quiet zone of two (§6.3.8 has four for paper). */
export function drawQr(code: QrCode): string[] {
  const quiet = 2
  const isLight = (row: number, column: number) => !(code[row]?.[column] ?? false)
  const lines: string[] = []
  for (let row = -quiet; row < code.length + quiet; row += 2) {
    let line = ''
    for (let column = -quiet; column < code.length + quiet; column += 1) {
      const [upper, lower] = [isLight(row, column), isLight(row + 1, column)]
      line += upper ? (lower ? '█' : '▀') : lower ? '▄' : ' '
    }
    lines.push(line)
  }
  return lines
}

/** §7.4: mode, length, bytes, end, padding. */
function dataCodewords(bytes: Buffer, version: number): number[] | undefined {
  const at = version - 1
  const capacity = codewords[at]! - correctionPerBlock[at]! * blocks[at]!
  const lengthBits = version < 10 ? 8 : 16
  if (4 + lengthBits + bytes.length * 8 > capacity * 8) return undefined
  let bits = `0100${bytes.length.toString(2).padStart(lengthBits, '0')}`
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  bits += '0'.repeat(Math.min(4, capacity * 8 - bits.length))
  bits += '0'.repeat((8 - (bits.length % 8)) % 8)
  const data = (bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2))
  for (let pad = 0; data.length < capacity; pad += 1) data.push(pad % 2 === 0 ? 0xec : 0x11)
  return data
}

/** §7.5 and §7.6: the data in blocks, each with its correction, interleaved; the later blocks may be longer by one. */
function withCorrection(data: readonly number[], version: number): number[] {
  const at = version - 1
  const count = blocks[at]!
  const short = Math.floor(data.length / count)
  const longer = data.length % count
  const parts = Array.from({ length: count }, (_, block) => {
    const from = block * short + Math.max(0, block - (count - longer))
    return data.slice(from, from + short + (block >= count - longer ? 1 : 0))
  })
  const corrections = parts.map((part) => remainder(part, generator(correctionPerBlock[at]!)))
  const interleaved = (lists: readonly (readonly number[])[]) =>
    Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, index) =>
      lists.flatMap((list) => (index < list.length ? [list[index]!] : [])),
    ).flat()
  return [...interleaved(parts), ...interleaved(corrections)]
}

/** Product in GF(256) with x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit -= 1) product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (((b >>> bit) & 1) * a)
  return product
}

/** Annex A: (x - 1)(x - 2)(x - 4)…, without the leading one. */
function generator(degree: number): number[] {
  let coefficients = [...Array<number>(degree - 1).fill(0), 1]
  for (let root = 1, power = 0; power < degree; power += 1, root = multiply(root, 2)) {
    coefficients = coefficients.map((each, at) => multiply(each, root) ^ (coefficients[at + 1] ?? 0))
  }
  return coefficients
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  let rest = divisor.map(() => 0)
  for (const byte of data) {
    const factor = byte ^ rest[0]!
    rest = [...rest.slice(1), 0].map((each, at) => each ^ multiply(divisor[at]!, factor))
  }
  return rest
}

function draw(version: number, sequence: readonly number[], mask: number): boolean[][] {
  const size = version * 4 + 17
  const modules = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const fixed = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const set = (row: number, column: number, isDark: boolean) => {
    if (row < 0 || column < 0 || row >= size || column >= size) return
    modules[row]![column] = isDark
    fixed[row]![column] = true
  }
  drawPatterns(version, size, set, (row, column) => fixed[row]![column]!)
  drawFormat(size, mask, set)
  if (version >= 7) drawVersion(version, size, set)
  placeData(size, sequence, (row, column, isDark) => {
    if (fixed[row]![column]) return false
    modules[row]![column] = isDark !== masks[mask]!(row, column)
    return true
  })
  return modules
}

type Set = (row: number, column: number, isDark: boolean) => void

/** §6.3: timing, finders with their separators, alignment. */
function drawPatterns(
  version: number,
  size: number,
  set: Set,
  isFixed: (row: number, column: number) => boolean,
): void {
  const around = (row: number, column: number, radius: number, light: readonly number[]) => {
    for (let y = -radius; y <= radius; y += 1) {
      for (let x = -radius; x <= radius; x += 1) {
        set(row + y, column + x, !light.includes(Math.max(Math.abs(x), Math.abs(y))))
      }
    }
  }
  for (const [row, column] of [
    [3, 3],
    [3, size - 4],
    [size - 4, 3],
  ] as const)
    around(row, column, 4, [2, 4])
  const centres = alignments[version - 1]!
  for (const row of centres) {
    for (const column of centres) if (!isFixed(row, column)) around(row, column, 2, [1])
  }
  for (let at = 8; at < size - 8; at += 1) {
    set(6, at, at % 2 === 0)
    set(at, 6, at % 2 === 0)
  }
}

/** §7.9 and Annex C: level L is 01; 15 bits, twice. */
function drawFormat(size: number, mask: number, set: Set): void {
  const data = (1 << 3) | mask
  const bits = ((data << 10) | divided(data, 10, 0x537)) ^ 0x5412
  const bit = (at: number) => ((bits >>> at) & 1) === 1
  for (let at = 0; at < 15; at += 1) {
    // Around the upper left finder, past the timing patterns.
    if (at < 8) set(at < 6 ? at : at + 1, 8, bit(at))
    else set(8, at === 8 ? 7 : 14 - at, bit(at))
    // Beside the other two.
    if (at < 8) set(8, size - 1 - at, bit(at))
    else set(size - 15 + at, 8, bit(at))
  }
  set(size - 8, 8, true)
}

/** §7.10 and Annex D: 18 bits, twice. */
function drawVersion(version: number, size: number, set: Set): void {
  const bits = (version << 12) | divided(version, 12, 0x1f25)
  for (let at = 0; at < 18; at += 1) {
    const isDark = ((bits >>> at) & 1) === 1
    const [far, near] = [size - 11 + (at % 3), Math.floor(at / 3)]
    set(near, far, isDark)
    set(far, near, isDark)
  }
}

/** Remainder of a BCH code. */
function divided(data: number, degree: number, divisor: number): number {
  let rest = data
  for (let step = 0; step < degree; step += 1) rest = (rest << 1) ^ ((rest >>> (degree - 1)) * divisor)
  return rest
}

/** §7.7.3: in columns of two, from the lower right, up and down, past the upright timing pattern. */
function placeData(
  size: number,
  sequence: readonly number[],
  place: (row: number, column: number, isDark: boolean) => boolean,
): void {
  let at = 0
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step += 1) {
      for (const column of [right, right - 1]) {
        const isUpward = ((right + 1) & 2) === 0
        const row = isUpward ? size - 1 - step : step
        const isDark = (((sequence[at >>> 3] ?? 0) >>> (7 - (at & 7))) & 1) === 1
        if (place(row, column, isDark)) at += 1
      }
    }
  }
}

/** §7.8.3: how hard it is to read. */
function penalty(code: QrCode): number {
  const size = code.length
  const columns = Array.from({ length: size }, (_, column) => code.map((row) => row[column]!))
  let points = 0
  for (const line of [...code, ...columns]) {
    const text = line.map((isDark) => (isDark ? '1' : '0')).join('')
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2
    points += 40 * (text.match(/(?=00001011101|10111010000)/g) ?? []).length
  }
  for (let row = 0; row < size - 1; row += 1) {
    for (let column = 0; column < size - 1; column += 1) {
      const [a, b, c, d] = [
        code[row]![column],
        code[row]![column + 1],
        code[row + 1]![column],
        code[row + 1]![column + 1],
      ]
      if (a === b && a === c && a === d) points += 3
    }
  }
  const dark = code.flat().filter(Boolean).length / (size * size)
  return points + 10 * Math.floor(Math.abs(dark * 100 - 50) / 5)
}
