/**
 * A reporter for `npm run coverage`: prints the share of branches that ran in each folder, and the lines of those that
 * did not. The run fails where a folder has less than it must.
 */

import { relative, sep } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/** The smallest share of branches, in percent. */
const minimum: readonly (readonly [folder: string, percent: number])[] = [
  ['shared/domain/', 98],
  ['shared/store/', 95],
  ['shared/http/', 95],
  ['shared/grants/', 95],
  ['shared/sign-in/', 95],
  ['shared/sessions/', 95],
  ['shared/vault/', 95],
  ['shared/', 95],
  ['functions/', 92],
]

export default async function* coverageByFolder(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:coverage') continue
    const { files, workingDirectory } = data.summary
    const sums = files.map((file) => ({ ...file, path: relative(workingDirectory, file.path).split(sep).join('/') }))
    yield '\nBranches that ran\n'
    for (const [folder, percent] of minimum) {
      const inFolder = sums.filter(({ path }) => path.startsWith(folder))
      const covered = inFolder.reduce((sum, file) => sum + file.coveredBranchCount, 0)
      const total = inFolder.reduce((sum, file) => sum + file.totalBranchCount, 0)
      const share = (100 * covered) / total
      const isEnough = share >= percent
      if (!isEnough) process.exitCode = 1
      yield `${isEnough ? '✔' : '✖'} ${folder} ${share.toFixed(1)} % (${covered} of ${total}), at least ${percent} %\n`
    }
    for (const { path, branches } of sums) {
      const lines = branches.filter(({ count }) => count === 0).map(({ line }) => line)
      if (lines.length > 0) yield `  never ran: ${path}:${[...new Set(lines)].join(', ')}\n`
    }
  }
}
