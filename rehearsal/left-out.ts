/**
 * The resources that the emulator cannot deploy. The rehearsal removes them from the synthesized template, and prints them.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Resource = {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly DependsOn?: string | readonly string[]
}
type Template = { Resources: Record<string, Resource>; readonly Outputs?: unknown }

export type LeftOut = {
  /** Name in the printed list. */
  readonly what: string
  readonly type: string
  /** Limits the entry to resources of the type for which this returns true. @default - all */
  readonly only?: (properties: Readonly<Record<string, unknown>>) => boolean
  /** What the rehearsal cannot show without the resource. */
  readonly notShown: string
  /** The emulator refuses the resource during the deployment, not when it reads the template. */
  readonly isRefusedLate?: true
  /** A resource of this kind that AWS accepts. Once the emulator accepts it too, remove the entry. */
  readonly sample: Readonly<Record<string, unknown>>
}

export const leftOut: readonly LeftOut[] = [
  {
    what: 'AWS::SecretsManager::ResourcePolicy',
    type: 'AWS::SecretsManager::ResourcePolicy',
    notShown: 'that only the functions may read the keyring',
    sample: { SecretId: 'rehearsal', ResourcePolicy: { Version: '2012-10-17', Statement: [] } },
  },
  {
    what: 'AWS::SecretsManager::RotationSchedule',
    type: 'AWS::SecretsManager::RotationSchedule',
    notShown: 'that Secrets Manager calls rotate-keys by itself',
    sample: { SecretId: 'rehearsal', RotationRules: { AutomaticallyAfterDays: 90 } },
  },
  {
    what: 'AWS::WAFv2::WebACLAssociation',
    type: 'AWS::WAFv2::WebACLAssociation',
    notShown: 'that the firewall limits requests per address',
    sample: { ResourceArn: 'arn:aws:apigateway:eu-central-1::/restapis/a/stages/b', WebACLArn: 'arn:aws:wafv2:::c' },
  },
  {
    what: 'AWS::CloudWatch::Alarm with metric math',
    type: 'AWS::CloudWatch::Alarm',
    only: ({ Metrics }) => Metrics !== undefined,
    isRefusedLate: true,
    notShown: 'the alarms <function>-fails',
    sample: {
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      Threshold: 1,
      Metrics: [{ Id: 'sum', Expression: '1 + 1', ReturnData: true }],
    },
  },
]

/**
 * Removes the resources of these entries, and the references to them, from the template of a cloud assembly.
 *
 * @returns how many resources of each entry were removed
 */
export async function takeOut(assembly: string, entries = leftOut): Promise<ReadonlyMap<LeftOut, number>> {
  const names = await readdir(assembly)
  const file = join(assembly, names.find((name) => name.endsWith('.template.json')) ?? 'template.json')
  const template = JSON.parse(await readFile(file, 'utf8')) as Template
  const counts = new Map<LeftOut, number>()
  const gone = new Set<string>()
  for (const [id, resource] of Object.entries(template.Resources)) {
    const entry = entries.find(
      ({ type, only }) => type === resource.Type && (only?.(resource.Properties ?? {}) ?? true),
    )
    if (entry === undefined) continue
    counts.set(entry, (counts.get(entry) ?? 0) + 1)
    gone.add(id)
    delete template.Resources[id]
  }
  await writeFile(file, JSON.stringify(withoutReferences(template, gone), undefined, 1))
  return counts
}

/** Replaces references to removed resources by a text, and drops them from `DependsOn`. */
function withoutReferences(value: unknown, gone: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutReferences(each, gone))
  if (typeof value !== 'object' || value === null) return value
  if (isReference(value, gone)) return 'left-out'
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'DependsOn' ? [member].flat().filter((id) => !gone.has(id)) : withoutReferences(member, gone),
    ]),
  )
}

function isReference(value: object, gone: ReadonlySet<string>): boolean {
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[] }
  return gone.has(Ref ?? attribute?.[0] ?? '')
}

/** Features of the template that the emulator ignores. */
const notDone: readonly string[] = [
  'IAM conditions on items and services (dynamodb:LeadingKeys, kms:ViaService): only actions and resources are checked',
  'KMS: nothing is encrypted, and no key policy is checked',
  'throttling, metrics and the expiry of items',
  'RotateSecret: the steps of a rotation are not called',
  'reserved concurrency in a template: functions run in spite of maintenance, so callers do not get 503 during a restore',
  'RestoreTableToPointInTime: the table is copied as it is, not as it was at the given time',
]

/** The list that the rehearsal prints at its end. */
export function notShown(counts: ReadonlyMap<LeftOut, number>): string {
  const taken = [...counts].map(([{ what, notShown: unseen }, count]) => `  ${count} × ${what}: not shown ${unseen}`)
  return ['Left out by the emulator:', ...taken, ...notDone.map((one) => `  ${one}`)].join('\n')
}
