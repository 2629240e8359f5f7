/**
 * `npm run bench`: measures the broker's times, requests to DynamoDB and bundle sizes, and compares them with a floor or
 * with other servers.
 */

import { writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { Problem } from '../local/problem.ts'
import { bundle, timeImports } from './cold-import.ts'
import { countRequests } from './counting.ts'
import { meetCrowd } from './crowd.ts'
import { type Options, peerPlanOf, planOf, readOptions, usage } from './options.ts'
import { chartOf } from './peers/chart.ts'
import { measurePeers, peerStepsOf } from './peers/measure.ts'
import { installPeers } from './peers/packages.ts'
import { type PeerFindings, peerReportOf } from './peers/report.ts'
import { type Progress, showProgress } from './progress.ts'
import { type Findings, judge, reportOf } from './report.ts'
import { setStage } from './stage.ts'
import { roundsOf, timeOperations } from './timing.ts'

const words = process.argv.slice(2)
const options = readOptions(words)
if (words.includes('--help')) process.stdout.write(usage)
else if ('mistake' in options) fail(`${options.mistake}\n\n${usage}`)
else await main(options)

async function main(chosen: Options): Promise<void> {
  // On Ctrl-C, everything that this process has started ends with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
  const progress = showProgress()
  try {
    if (chosen.isPeers) await comparePeers(chosen, progress)
    else await compareFloor(chosen, progress)
  } catch (error) {
    progress.end()
    if (!(error instanceof Problem)) throw error
    fail(`${error.message}\n`)
  }
}

async function compareFloor(chosen: Options, progress: Progress): Promise<void> {
  const findings = await measure(chosen, progress)
  progress.end()
  await write(findings, (stream) => reportOf(findings, stream), chosen)
  if (chosen.isCheck && findings.verdicts.some(({ holds }) => !holds)) process.exitCode = 1
}

async function comparePeers(chosen: Options, progress: Progress): Promise<void> {
  const plan = peerPlanOf(chosen)
  const takenAt = new Date().toISOString()
  progress.part('installing the peers', 1)
  await installPeers()
  const stage = await setStage()
  try {
    progress.part('comparing', peerStepsOf(plan))
    const peers = await measurePeers(stage, plan, progress.step)
    progress.end()
    const findings = { takenAt, machine: machine(), peers }
    await write(findings, () => peerReportOf(findings), chosen)
    if (chosen.chart !== undefined) await writeFile(chosen.chart, chartOf(peers))
  } finally {
    await stage.close()
  }
}

function machine() {
  return { node: process.versions.node, cores: availableParallelism(), loadAverage: loadavg()[0] ?? 0 }
}

async function measure(chosen: Options, progress: Progress): Promise<Findings> {
  const plan = planOf(chosen)
  const takenAt = new Date().toISOString()
  progress.part('setting up', 1)
  const stage = await setStage()
  try {
    progress.part('counting requests', 1)
    const counting = await countRequests(stage, plan.counted)
    progress.part('fifty workers at once', 1)
    const crowd = await meetCrowd(stage)
    progress.part('timing operations', roundsOf(plan.timing))
    const timings = await timeOperations(stage, plan.timing, progress.step)
    progress.part('bundling', 1)
    const bundled = await bundle(stage.folder)
    progress.part('timing cold imports', plan.imports.rounds + 1)
    const imports = await timeImports(bundled, plan.imports, progress.step)
    const found = { takenAt, isQuick: chosen.isQuick, machine: machine(), timings, counting, crowd, imports }
    return { ...found, verdicts: judge(found) }
  } finally {
    await stage.close()
  }
}

async function write(
  findings: Findings | PeerFindings,
  reportFor: (stream: NodeJS.WriteStream) => string,
  { json }: Options,
): Promise<void> {
  const stream = json === 'stdout' ? process.stderr : process.stdout
  stream.write(reportFor(stream))
  if (json === undefined) return
  const text = `${JSON.stringify(findings, null, 2)}\n`
  if (json === 'stdout') process.stdout.write(text)
  else await writeFile(json.file, text)
}

function fail(text: string): void {
  process.stderr.write(text)
  process.exitCode = 2
}
