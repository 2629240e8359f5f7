/**
 * The API: every route of infra/routes.ts with its function, and nothing else.
 *
 * Owns paths, preflights, limits, TLS, the log of requests and the public name. Must not know what the routes do, nor
 * decide how an error is worded: gateway-errors.ts does.
 */

import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  AuthorizationType,
  type CfnRestApi,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  MockIntegration,
  PassthroughBehavior,
  type Resource,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import { LogGroup, type LogGroupProps } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import { answerErrorsAsOAuth } from './gateway-errors.ts'
import { PublicName } from './public-name.ts'
import { retainOnceCreated } from './retention.ts'
import { type FunctionName, preflightHeaders, type Route, routes } from './routes.ts'
import type { StageSettings } from './settings.ts'
import { tls } from './tls.ts'

export type GatewayProps = {
  readonly settings: StageSettings
  readonly functions: Readonly<Record<FunctionName, BrokerFunction>>
}

export class Gateway extends Construct {
  readonly api: RestApi
  readonly stageArn: string
  /** Without trailing slash; issuers are this, a slash and the application's name. */
  readonly baseUrl: string
  /** What the public name has to point at, if there is one. */
  readonly domainTarget: string | undefined

  constructor(scope: Construct, id: string, { settings, functions }: GatewayProps) {
    super(scope, id)
    this.api = this.createApi(settings)
    for (const route of routes) this.addRoute(route, functions[route.functionName])
    answerErrorsAsOAuth(this.api)
    const publicName = settings.domain && new PublicName(this, 'PublicName', { domain: settings.domain, api: this.api })
    this.domainTarget = publicName?.target
    this.baseUrl = publicName?.baseUrl ?? this.api.deploymentStage.urlForPath().replace(/\/$/, '')
    this.stageArn = this.api.deploymentStage.stageArn
    this.acknowledgeWhatIsOAuths()
  }

  private createApi({ stage, domain, throttling, gatewayLoggingRole, keepData, logRetention }: StageSettings): RestApi {
    const removalPolicy = retainOnceCreated(keepData)
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/token-broker/${stage}/requests`,
      retention: logRetention,
      removalPolicy,
    })
    const api = new RestApi(this, 'Api', {
      restApiName: `token-broker-${stage}`,
      description: `Token Broker (${stage}): OAuth 2.0 for every application`,
      // IPv4 alone: AWS WAF counts each IPv6 address by itself, and anyone has 2^64 of those.
      endpointConfiguration: { types: [EndpointType.REGIONAL] },
      disableExecuteApiEndpoint: domain !== undefined,
      cloudWatchRole: gatewayLoggingRole,
      // Other APIs of the account may have come to rely on it.
      ...(gatewayLoggingRole && { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN }),
      deployOptions: {
        stageName: stage,
        throttlingRateLimit: throttling.ratePerSecond,
        throttlingBurstLimit: throttling.burst,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: requestLine(),
        // Errors of the gateway itself. More, or its data trace, would log what callers send.
        loggingLevel: MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
      },
    })
    Object.assign(api.node.defaultChild as CfnRestApi, tls)
    // The stack's own outputs name the issuer.
    api.node.tryRemoveChild('Endpoint')
    this.keepExecutionLog(api, {
      logGroupName: `API-Gateway-Execution-Logs_${api.restApiId}/${stage}`,
      retention: logRetention,
      removalPolicy,
    })
    return api
  }

  /** API Gateway would make this log by itself, and keep it for good. */
  private keepExecutionLog(api: RestApi, props: LogGroupProps): void {
    api.deploymentStage.node.addDependency(new LogGroup(this, 'ExecutionLog', props))
  }

  private addRoute({ path, methods, crossOrigin, authorization }: Route, fn: BrokerFunction): void {
    const resource = this.api.root.resourceForPath(path)
    const integration = new LambdaIntegration(fn.lambda, { allowTestInvoke: false })
    const authorizationType = authorization === 'iam' ? AuthorizationType.IAM : AuthorizationType.NONE
    for (const method of methods) resource.addMethod(method, integration, { authorizationType })
    if (crossOrigin) addPreflight(resource)
  }

  private acknowledgeWhatIsOAuths(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason: 'API Gateway validates JSON; OAuth bodies are forms. The functions check every parameter themselves.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason:
          'The API is what authorises: clients authenticate as OAuth says (RFC 6749 §2.3), people at their provider.',
      },
      { id: 'AwsSolutions-COG4', reason: 'The broker issues the tokens; Cognito has no part in it.' },
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: 'API Gateway asks for this policy on the one role that it writes all logs of an account with.',
      },
    )
  }
}

/**
 * What tells why a request did not reach its function, or took longer outside it; the rest is in the function's line. No
 * query, header or body: those hold codes, secrets and tokens.
 */
function requestLine(): AccessLogFormat {
  return AccessLogFormat.custom(
    JSON.stringify({
      request_id: '$context.extendedRequestId',
      ip: '$context.identity.sourceIp',
      method: '$context.httpMethod',
      path: '$context.path',
      status: '$context.status',
      duration_ms: '$context.responseLatency',
      gateway_error: '$context.error.responseType',
    }),
  )
}

/** Fetch, CORS protocol. Answered by the gateway, so that no function runs, or starts, for it. */
function addPreflight(resource: Resource): void {
  const headers = Object.entries(preflightHeaders).map(([name, value]) => [`method.response.header.${name}`, value])
  const answer = new MockIntegration({
    passthroughBehavior: PassthroughBehavior.NEVER,
    requestTemplates: { 'application/json': '{"statusCode":204}' },
    integrationResponses: [
      {
        statusCode: '204',
        responseParameters: Object.fromEntries(headers.map(([name, value]) => [name, `'${value}'`])),
      },
    ],
  })
  resource.addMethod('OPTIONS', answer, {
    methodResponses: [
      { statusCode: '204', responseParameters: Object.fromEntries(headers.map(([name]) => [name, true])) },
    ],
  })
}
