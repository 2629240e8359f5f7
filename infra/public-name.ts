/**
 * The API's custom domain. The name is in every issuer, so in every token and every client's configuration.
 */

import { DomainName, EndpointType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { Domain } from './settings.ts'
import { tls } from './tls.ts'

export type PublicNameProps = { readonly domain: Domain; readonly api: RestApi }

export class PublicName extends Construct {
  readonly baseUrl: string
  /** Target of the DNS record. */
  readonly target: string

  constructor(scope: Construct, id: string, { domain, api }: PublicNameProps) {
    super(scope, id)
    const domainName = new DomainName(this, 'Domain', {
      domainName: domain.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      endpointType: EndpointType.REGIONAL,
      mapping: api,
      ...tls,
    })
    this.baseUrl = `https://${domain.name}`
    this.target = domainName.domainNameAliasDomainName
    if (domain.hostedZone !== undefined) this.addRecord(domainName, domain.name, domain.hostedZone)
  }

  private addRecord(
    domainName: DomainName,
    name: string,
    { id, name: zoneName }: NonNullable<Domain['hostedZone']>,
  ): void {
    const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId: id, zoneName })
    new ARecord(this, 'Record', {
      zone,
      recordName: name,
      target: RecordTarget.fromAlias(new ApiGatewayDomain(domainName)),
    })
  }
}
