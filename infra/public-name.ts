/**
 * The API's custom domain. Its name is a part of every issuer, and so of every token and every client's configuration.
 */

import { DomainName, EndpointType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { ARecord, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { BrokerDomain } from './props.ts'
import { tls } from './tls.ts'

export type PublicNameProps = { readonly domain: BrokerDomain; readonly api: RestApi }

export class PublicName extends Construct {
  readonly baseUrl: string
  /** The target for the DNS record. */
  readonly target: string

  constructor(scope: Construct, id: string, { domain, api }: PublicNameProps) {
    super(scope, id)
    const domainName = new DomainName(this, 'Domain', {
      domainName: domain.domainName,
      certificate: domain.certificate,
      endpointType: EndpointType.REGIONAL,
      mapping: api,
      ...tls,
    })
    this.baseUrl = `https://${domain.domainName}`
    this.target = domainName.domainNameAliasDomainName
    if (domain.hostedZone !== undefined) this.addRecord(domainName, domain.domainName, domain.hostedZone)
  }

  private addRecord(domainName: DomainName, recordName: string, zone: IHostedZone): void {
    const target = RecordTarget.fromAlias(new ApiGatewayDomain(domainName))
    new ARecord(this, 'Record', { zone, recordName, target })
  }
}
