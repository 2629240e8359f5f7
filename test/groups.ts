/**
 * Which test files share a process. A process of its own costs each file a start, and the SDK and the providers' client
 * loaded anew; a broker of its own costs another.
 *
 * Owns the list. A file that no pattern fits is a process by itself, and each file runs by itself too, as
 * `node test/<file>`. Must not know how a group runs.
 */

export type Group = {
  /** As what is printed calls it. */
  readonly name: string
  readonly files: readonly string[]
  /**
   * Whether the branches that it went through count for the gates. To count them costs a third more, so it is not done
   * where only programs run, nor where others go the same ways.
   */
  readonly counted: boolean
}

type Rule = { readonly name: string; readonly fits: RegExp; readonly counted?: false }

/** The first that fits a file has it. Groups start in this order: those that take longest come first, and what waits starts beside what works. */
const rules: readonly Rule[] = [
  { name: 'command line: login', fits: /^test\/cli\/(login|sessions)\./, counted: false },
  { name: 'command line: examples', fits: /^test\/cli\/examples\./, counted: false },
  { name: 'command line', fits: /^test\/cli\//, counted: false },
  { name: 'flows: faults', fits: /^test\/flows\/(store-|sessions-store-|provider-down|oauth2-provider-fails)/ },
  {
    name: 'flows: races',
    fits: /^test\/flows\/(refresh-races|refresh-reuse|sessions-load|userdocs)\./,
    counted: false,
  },
  { name: 'local stack', fits: /^test\/local\/start\./, counted: false },
  { name: 'store', fits: /^test\/store\/(?!races|conditions)/ },
  { name: 'infra', fits: /^test\/infra\//, counted: false },
  { name: 'flows: vault', fits: /^test\/flows\/(vault|token-exchange)/ },
  { name: 'flows: clients', fits: /^test\/flows\/(client-|own-registry|keys-|restore)/, counted: false },
  { name: 'store: races', fits: /^test\/store\//, counted: false },
  {
    name: 'flows: code',
    fits: /^test\/flows\/(code-(?!time)|refresh-rot|revoke|introspect|metadata|standard|sessions\.)/,
  },
  { name: 'flows: device', fits: /^test\/flows\/(device-(page|start|redeem)|clients|tokens|shape|userinfo)\./ },
  { name: 'flows: time', fits: /^test\/flows\// },
  { name: 'pages', fits: /^test\/pages\/(browser|browser-sign-in|foreign-page)\./, counted: false },
  { name: 'providers', fits: /^test\/(providers|support|pages)\// },
  { name: 'local', fits: /^test\/local\//, counted: false },
  { name: 'http', fits: /^test\/(http|tokens|vault)\// },
  // The broker's client of Secrets Manager is one for a process and takes the first address it is given.
  { name: 'secrets', fits: /^test\/secrets\./ },
  { name: 'domain', fits: /^test\/(domain\/|bench\/|[^/]+$)/ },
]

/** @param files from the root of the repository, with slashes */
export function groupsOf(files: readonly string[]): Group[] {
  const left = new Set(files)
  const groups: Group[] = []
  for (const { name, fits, counted = true } of rules) {
    const members = [...left].filter((file) => fits.test(file))
    for (const member of members) left.delete(member)
    if (members.length > 0) groups.push({ name, files: members, counted })
  }
  return [...groups, ...[...left].map((file) => ({ name: file, files: [file], counted: true }))]
}
