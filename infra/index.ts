/** What the package offers to CDK apps. */

export * from './props.ts'
export { TokenBroker } from './token-broker.ts'
