/**
 * What happens to a resource that holds data when it leaves the stack.
 */

import { RemovalPolicy } from 'aws-cdk-lib'

/**
 * For resources with a fixed name. A failed first deployment deletes them, because they hold no data yet and their names would
 * block the next deployment. After that they outlive the stack.
 */
export function retainOnceCreated(keepData: boolean): RemovalPolicy {
  return keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY
}
