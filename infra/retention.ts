/**
 * The removal policy of resources that hold data.
 */

import { RemovalPolicy } from 'aws-cdk-lib'

/**
 * For resources with a fixed name. If the first deployment fails, they are deleted: they hold no data yet, and their
 * names would block the next deployment. Once created, they outlive the stack.
 */
export function retainOnceCreated(keepData: boolean): RemovalPolicy {
  return keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY
}
