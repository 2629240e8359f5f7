/**
 * Shows the progress of the bench on stderr: one animated line on a terminal, a line for each part elsewhere.
 */

export type Progress = {
  /** A part with this number of steps begins. */
  part(name: string, steps: number): void
  /** A step of the part is done. */
  step(): void
  end(): void
}

export function showProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let name = ''
  let steps = 0
  let done = 0
  const startedAt = performance.now()
  const rewrite = (text: string) => stream.isTTY && stream.write(`\r\x1b[K${text}`)
  const show = () => {
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    rewrite(`${bar(done / steps)}  ${name}  ${seconds} s`)
  }
  return {
    part: (next, of) => {
      ;[name, steps, done] = [next, of, 0]
      if (stream.isTTY) show()
      else stream.write(`${name} …\n`)
    },
    step: () => {
      done += 1
      show()
    },
    end: () => {
      rewrite('')
    },
  }
}

const barWidth = 24

function bar(share: number): string {
  const filled = Math.round(barWidth * Math.min(1, share))
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled)
}
