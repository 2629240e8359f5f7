/**
 * The REST API: the routes of `routes.ts` with their functions, CORS preflights, limits, TLS, logs and the public name.
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
import type { IInterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2'
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup, type LogGroupProps } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import { answerErrorsAsOAuth } from './gateway-errors.ts'
import { PublicName } from './public-name.ts'
import { retainOnceCreated } from './retention.ts'
import { type FunctionName, preflightHeaders, type Route, routes } from './routes.ts'
import type { Settings } from './settings.ts'
import { tls } from './tls.ts'

export type GatewayProps = {
  readonly settings: Settings
  readonly functions: Readonly<Record<FunctionName, BrokerFunction>>
}

export class Gateway extends Construct {
  readonly api: RestApi
  readonly stageArn: string
  /** Without a trailing slash. An issuer is `<baseUrl>/<application>`. */
  readonly baseUrl: string
  /** Target of the DNS record, if there is a custom domain. */
  readonly domainTarget: string | undefined

  constructor(scope: Construct, id: string, { settings, functions }: GatewayProps) {
    super(scope, id)
    this.api = this.createApi(settings)
    for (const route of enabledRoutes(settings)) this.addRoute(route, functions[route.functionName])
    answerErrorsAsOAuth(this.api)
    const publicName = settings.domain && new PublicName(this, 'PublicName', { domain: settings.domain, api: this.api })
    this.domainTarget = publicName?.target
    this.baseUrl = publicName?.baseUrl ?? this.api.deploymentStage.urlForPath().replace(/\/$/, '')
    this.stageArn = this.api.deploymentStage.stageArn
    this.acknowledgeRules()
  }

  private createApi(settings: Settings): RestApi {
    const { brokerName, domain, throttling, gatewayLoggingRole, keepData, logRetention, vpcEndpoints } = settings
    const removalPolicy = retainOnceCreated(keepData)
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/token-broker/${brokerName}/requests`,
      retention: logRetention,
      removalPolicy,
    })
    const api = new RestApi(this, 'Api', {
      restApiName: `token-broker-${brokerName}`,
      description: `Token Broker (${brokerName}): OAuth 2.0 for every application`,
      // IPv4 only: AWS WAF counts each IPv6 address separately, and anyone can use 2^64 of them.
      endpointConfiguration: vpcEndpoints
        ? { types: [EndpointType.PRIVATE], vpcEndpoints: [...vpcEndpoints] }
        : { types: [EndpointType.REGIONAL] },
      ...(vpcEndpoints && { policy: policyOfPrivateApi(vpcEndpoints, enabledRoutes(settings)) }),
      disableExecuteApiEndpoint: domain !== undefined,
      cloudWatchRole: gatewayLoggingRole,
      // Retain the role, because other APIs of the account may use it by the time the stack is deleted.
      ...(gatewayLoggingRole && { cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN }),
      deployOptions: {
        stageName: brokerName,
        throttlingRateLimit: throttling.ratePerSecond,
        throttlingBurstLimit: throttling.burst,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: accessLogFormat(),
        // A higher level or data tracing would log whole requests.
        loggingLevel: MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
      },
    })
    Object.assign(api.node.defaultChild as CfnRestApi, tls)
    // Removes the CDK's own output. Our output `Issuer` replaces it.
    api.node.tryRemoveChild('Endpoint')
    this.keepExecutionLog(api, {
      logGroupName: `API-Gateway-Execution-Logs_${api.restApiId}/${brokerName}`,
      retention: logRetention,
      removalPolicy,
    })
    return api
  }

  /** Creates the execution log with a retention. Otherwise API Gateway would create it without one. */
  private keepExecutionLog(api: RestApi, props: LogGroupProps): void {
    api.deploymentStage.node.addDependency(new LogGroup(this, 'ExecutionLog', props))
  }

  private addRoute({ path, methods, crossOrigin, authorization }: Route, fn: BrokerFunction): void {
    const resource = this.api.root.resourceForPath(path)
    const integration = new LambdaIntegration(fn.target, { allowTestInvoke: false })
    const authorizationType = authorization === 'iam' ? AuthorizationType.IAM : AuthorizationType.NONE
    for (const method of methods) resource.addMethod(method, integration, { authorizationType })
    if (crossOrigin) addPreflight(resource)
  }

  private acknowledgeRules(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason: 'API Gateway validates JSON, but OAuth bodies are forms. The functions check every parameter.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason:
          'The API is the authorization server: clients authenticate by OAuth (RFC 6749 §2.3), people at their identity provider.',
      },
      { id: 'AwsSolutions-COG4', reason: 'The broker issues the tokens itself, without Cognito.' },
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: 'API Gateway requires this policy on the role that it uses to write logs.',
      },
    )
  }
}

function enabledRoutes(settings: Settings): Route[] {
  return routes.filter(({ setting }) => setting === undefined || settings[setting])
}

/**
 * A private API needs a resource policy that allows each request. The policy does not allow the operators' routes: IAM
 * policies do that. An Allow here would be sufficient for any principal of the account (API Gateway Developer Guide,
 * Authorization flow, AWS_IAM).
 */
function policyOfPrivateApi(vpcEndpoints: readonly IInterfaceVpcEndpoint[], enabled: readonly Route[]): PolicyDocument {
  const endpoints = vpcEndpoints.map(({ vpcEndpointId }) => vpcEndpointId)
  const publicResources = enabled
    .filter(({ authorization }) => authorization === 'function')
    .flatMap(({ path, methods, crossOrigin }) =>
      [...methods, ...(crossOrigin ? ['OPTIONS'] : [])].map((method) => `${method}${path.replace(/\{\w+\}/g, '*')}`),
    )
  const statement = (effect: Effect, resources: string[], conditions: object = {}) =>
    new PolicyStatement({
      effect,
      principals: [new AnyPrincipal()],
      actions: ['execute-api:Invoke'],
      resources: resources.map((resource) => `execute-api:/*/${resource}`),
      conditions,
    })
  return new PolicyDocument({
    statements: [
      statement(Effect.ALLOW, publicResources),
      statement(Effect.DENY, ['*'], { StringNotEquals: { 'aws:SourceVpce': endpoints } }),
    ],
  })
}

/**
 * Shows why a request did not reach its function, and how long it took outside of it. The function's own log line has the
 * rest. Never log the query, headers or body: they contain codes, secrets and tokens.
 */
function accessLogFormat(): AccessLogFormat {
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

/** The gateway answers CORS preflights (Fetch standard) without running a function. */
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
