import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { openapiJson } from '../../src/http/openapi.ts'

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
  readonly headers?: Readonly<Record<string, unknown>>
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>>
  readonly components: { readonly schemas: object; readonly responses: Readonly<Record<string, Response>> }
}

/** What of an answer the contract speaks about. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const document = JSON.parse(openapiJson) as OpenApi
const ajv = new Ajv2020({
  strict: false,
  formats: {
    'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
    uri: (text: string) => URL.canParse(text),
    'uri-reference': (text: string) => URL.canParse(text, 'http://host'),
  },
}).addSchema({ $id: 'urn:mega:api', components: { schemas: document.components.schemas } })
const compiled = new Map<object, ValidateFunction>()

/** What an answer does that the OpenAPI document does not allow; empty is what one wants. */
export function contractBreaches(method: string, target: string, answer: Answered): string[] {
  const response = responseFor(method, target.split('?', 1)[0] ?? '', answer.status)
  if (response === undefined) return [`${method} ${target} answered ${answer.status}, which the contract lacks`]
  const breaches = Object.keys(response.headers ?? {})
    .filter((name) => answer.headers[name.toLowerCase()] === undefined && !isOnlyForProblems(answer))
    .map((name) => `${method} ${target}: ${answer.status} without ${name}`)
  const type = String(answer.headers['content-type'] ?? '').split(';', 1)[0] ?? ''
  if (method === 'HEAD') return breaches
  if (response.content === undefined) return answer.text === '' ? breaches : [...breaches, `${answer.status} with a body`]
  const content = response.content[type]
  if (content === undefined) return [...breaches, `${method} ${target}: ${answer.status} as "${type}"`]
  const validate = validatorOf(content.schema)
  if (validate(type.endsWith('json') ? JSON.parse(answer.text) : answer.text)) return breaches
  return [...breaches, `${method} ${target}: ${ajv.errorsText(validate.errors)} in ${answer.text.slice(0, 500)}`]
}

/** The 503 of a report on the instance is no problem and asks nobody to retry. */
function isOnlyForProblems({ headers }: Answered): boolean {
  return headers['content-type'] === 'application/json'
}

function responseFor(method: string, path: string, status: number): Response | undefined {
  const found = Object.entries(document.paths).find(([template]) => matches(template, path))
  const operation = found?.[1][method === 'HEAD' ? 'get' : method.toLowerCase()]
  if (operation !== undefined) return operation.responses[String(status)]
  const { NotFound, MethodNotAllowed, BadRequest, ExpectationFailed } = document.components.responses
  // Found out before the path is looked at.
  if (status === 400) return BadRequest
  if (status === 417) return ExpectationFailed
  if (status === 405 && found !== undefined) return MethodNotAllowed
  return status === 404 && found === undefined ? NotFound : undefined
}

function matches(template: string, path: string): boolean {
  const pattern = template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${pattern}$`).test(path)
}

function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"urn:mega:api#/components'))
  const validate = ajv.compile(absolute)
  compiled.set(schema, validate)
  return validate
}
