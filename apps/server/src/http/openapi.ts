import { type Json, type JsonObject, schema, schemas } from './openapi-schemas.ts'
import { type ProblemName, problems } from './problem.ts'

/** An OpenAPI 3.1 document as plain data. */
interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: JsonObject
  readonly paths: { readonly [path: string]: { readonly [method: string]: JsonObject } }
  readonly components: JsonObject
}

const json = 'application/json'
const plain = 'text/plain'

/** What can go wrong with any request, whatever its path. */
const protocolProblems = [
  'bad_request',
  'request_timeout',
  'payload_too_large',
  'expectation_failed',
  'headers_too_large',
  'internal_error',
] as const satisfies readonly ProblemName[]

const userId: JsonObject = {
  name: 'user_id',
  in: 'query',
  required: false,
  description:
    'Required, here or in the body; the query wins. An int64 in decimal: leading zeros and a sign are allowed, so 007, ' +
    '+7 and 7 are one user. A raw + is a sign, never a space. Of several parameters with one name the first wins.',
  schema: { type: 'string', pattern: '^[+-]?[0-9]{1,64}$' },
}

const itemIdQuery: JsonObject = {
  name: 'item_id',
  in: 'query',
  required: false,
  description:
    'Required, here or in the body; the query wins. From 0 to the number of items minus 1. id is accepted as another name.',
  schema: { type: 'string', pattern: '^[+]?[0-9]{1,64}$' },
}

const idQuery: JsonObject = {
  name: 'id',
  in: 'query',
  required: false,
  deprecated: true,
  description: 'Read when there is no item_id.',
  schema: { type: 'string', pattern: '^[+]?[0-9]{1,64}$' },
}

const itemIdInPath: JsonObject = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The item, from 0 to the number of items minus 1.',
  schema: schema('ItemId'),
}

const codeQuery: JsonObject = {
  name: 'code',
  in: 'query',
  required: false,
  description: 'Required, here or in the body; the query wins. The code that a checkout gave, in either case.',
  schema: schema('Code'),
}

const codeInPath: JsonObject = {
  name: 'code',
  in: 'path',
  required: true,
  description: 'The code that a checkout gave, in either case.',
  schema: schema('Code'),
}

/** What the query lacks may be in the body; what it has need not, and wins. */
const bodyOf = (name: 'CheckoutRequest' | 'PurchaseRequest', example: JsonObject): JsonObject => ({
  description:
    'Parameters that the query lacks; when it lacks none the body is ignored. Up to 65536 bytes in UTF-8, without a Content-Encoding. ' +
    'In JSON the last of several members with one name wins; in a form the first, and a + is a space.',
  required: false,
  content: {
    [json]: { schema: schema(name), examples: { body: { value: example } } },
    'application/x-www-form-urlencoded': { schema: schema(name), examples: { body: { value: example } } },
  },
})

const pageParameters: readonly JsonObject[] = [
  {
    name: 'from',
    in: 'query',
    description: 'The first item of the page.',
    schema: { type: 'integer', minimum: 0, default: 0 },
  },
  {
    name: 'limit',
    in: 'query',
    description: 'Items of the page at most.',
    schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
]

/** One response that gives a body of the named schema, or of the schema given. */
const answer = (description: string, content: JsonObject): JsonObject => ({ description, content })

const textOf = (type: string, body: JsonObject): JsonObject => ({ [type]: { schema: body } })

/** The responses of several problems, one for each status, with an example for each problem. */
function refusals(names: readonly ProblemName[]): Record<string, JsonObject> {
  const byStatus = Map.groupBy(names, (name) => `${problems[name].status}`)
  const responses: Record<string, JsonObject> = {}
  for (const [status, sharing] of byStatus) {
    const examples: Record<string, Json> = {}
    for (const name of sharing) examples[name] = { value: JSON.parse(problems[name].body) as Json }
    const { headers } = problems[sharing[0] ?? 'internal_error']
    const reasons = [...new Set(sharing.map((name) => problems[name].reason))]
    responses[status] = {
      description: `Refused: ${reasons.join(', ')}.`,
      ...(headers.includes('Retry-After') ? { headers: { 'Retry-After': retryAfter } } : {}),
      content: { 'application/problem+json': { schema: schema('Problem'), examples } },
    }
  }
  return responses
}

const retryAfter: JsonObject = {
  description: 'Seconds until a retry makes sense.',
  schema: { type: 'integer', minimum: 1 },
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly JsonObject[]
  readonly requestBody?: JsonObject
  readonly responses: { readonly [status: string]: JsonObject }
  readonly problems: readonly ProblemName[]
}

function operation({ responses, problems: names, ...rest }: Operation): JsonObject {
  return { ...rest, responses: { ...responses, ...refusals([...names, ...protocolProblems]) } }
}

const checkout = operation({
  operationId: 'checkout',
  summary: 'Reserve an item for a user',
  description:
    'The code is given only when the reservation is durable. After a 503 nothing usable exists.',
  parameters: [userId, itemIdQuery, idQuery],
  requestBody: bodyOf('CheckoutRequest', { user_id: '7', item_id: '42' }),
  responses: {
    200: answer('The reservation. Plain text is the code alone; ask for JSON with Accept.', {
      ...textOf(plain, schema('Code')),
      ...textOf(json, schema('Reservation')),
    }),
  },
  problems: [
    ...(['invalid_user_id', 'invalid_item_id', 'invalid_body', 'unsupported_media_type'] as const),
    ...(['item_reserved', 'item_sold', 'sold_out'] as const),
    ...(['user_limit_reached', 'overloaded', 'storage_unavailable', 'draining'] as const),
  ],
})

const purchase = operation({
  operationId: 'purchase',
  summary: 'Purchase a reserved item',
  description: 'A 200 is durable. After a 503 the outcome is unknown: retry with the same code.',
  parameters: [codeQuery],
  requestBody: bodyOf('PurchaseRequest', { code: '6925f970-0008-8000-8a3f-7c1e5b2d9f04' }),
  responses: {
    200: answer('The item is sold to the user. Plain text is one word; ask for JSON with Accept.', {
      ...textOf(plain, { type: 'string' }),
      ...textOf(json, schema('Purchase')),
    }),
  },
  problems: [
    ...(['invalid_code', 'invalid_body', 'unsupported_media_type'] as const),
    ...(['reservation_expired', 'already_purchased', 'unknown_code'] as const),
    ...(['overloaded', 'storage_unavailable', 'purchase_in_doubt', 'draining'] as const),
  ],
})

const reservation = operation({
  operationId: 'getReservation',
  summary: 'What has become of a reservation',
  parameters: [codeInPath],
  responses: { 200: answer('The reservation.', textOf(json, schema('ReservationState'))) },
  problems: ['invalid_code', 'no_such_reservation', 'overloaded', 'storage_unavailable'],
})

const cancellation = operation({
  operationId: 'cancelReservation',
  summary: 'Give a reservation back before it expires',
  parameters: [codeInPath],
  responses: { 204: { description: 'The reservation is released, durably.' } },
  problems: [
    ...(['invalid_code', 'reservation_expired', 'already_purchased', 'unknown_code'] as const),
    ...(['reservation_busy', 'overloaded', 'storage_unavailable', 'draining'] as const),
  ],
})

const items = operation({
  operationId: 'listItems',
  summary: 'Items of the current sale, a page at a time',
  parameters: pageParameters,
  responses: { 200: answer('A page of items.', textOf(json, schema('ItemPage'))) },
  problems: ['invalid_from', 'invalid_limit', 'storage_unavailable'],
})

const item = operation({
  operationId: 'getItem',
  summary: 'One item of the current sale',
  parameters: [itemIdInPath],
  responses: { 200: answer('The item.', textOf(json, schema('Item'))) },
  problems: ['not_found', 'storage_unavailable'],
})

const image = operation({
  operationId: 'getItemImage',
  summary: 'The picture of an item',
  parameters: [itemIdInPath],
  responses: { 200: answer('An SVG document.', textOf('image/svg+xml', { type: 'string' })) },
  problems: ['not_found', 'storage_unavailable'],
})

const sale = operation({
  operationId: 'getSale',
  summary: 'The current sale, and when the next opens',
  responses: { 200: answer('The current sale.', textOf(json, schema('Sale'))) },
  problems: ['storage_unavailable'],
})

const liveness = operation({
  operationId: 'getLiveness',
  summary: 'Whether the process is alive',
  responses: { 200: answer('It is.', textOf(plain, { type: 'string' })) },
  problems: [],
})

/** A route that reports on the instance: the same body with 200 and with 503. */
function report(operationId: string, summary: string, name: 'Readiness' | 'Health'): JsonObject {
  const content = textOf(json, schema(name))
  const responses = {
    200: answer('The instance serves.', content),
    503: answer('The instance does not serve now; the state says why.', content),
  }
  return operation({ operationId, summary, responses, problems: [] })
}

const contract = operation({
  operationId: 'getContract',
  summary: 'This document',
  responses: { 200: answer('An OpenAPI 3.1 document.', textOf(json, { type: 'object' })) },
  problems: [],
})

/** Answers that belong to no operation: what a path without one gives, or another method. */
const elsewhere: JsonObject = {
  NotFound: refusals(['not_found'])['404'] ?? {},
  BadRequest: refusals(['bad_request'])['400'] ?? {},
  ExpectationFailed: refusals(['expectation_failed'])['417'] ?? {},
  MethodNotAllowed: {
    ...refusals(['method_not_allowed'])['405'],
    headers: { Allow: { description: 'The methods of the path.', schema: { type: 'string' } } },
  },
}

/** Version of the contract, raised when an answer changes. The service has its own. */
const contractVersion = '0.2.0'

/**
 * The contract of the public port: every route, every answer, every reason. The reasons and their
 * examples come out of the table of problems, so that neither can say what the other does not.
 */
function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'megacache',
      version: contractVersion,
      description:
        'A flash sale: reserve an item, then purchase it with the code. 4xx: this request ' +
        'changed nothing. Other methods on these paths give 405 with Allow, other paths 404.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: {
      '/checkout': { post: checkout },
      '/purchase': { post: purchase },
      '/reservations/{code}': { get: reservation, delete: cancellation },
      '/sale': { get: sale },
      '/items': { get: items },
      '/items/{id}': { get: item },
      '/items/{id}/image.svg': { get: image },
      '/livez': { get: liveness },
      '/readyz': { get: report('getReadiness', 'Whether this instance serves', 'Readiness') },
      '/health': { get: report('getHealth', 'Database, lease and sale of it', 'Health') },
      '/openapi.json': { get: contract },
    },
    components: { schemas, responses: elsewhere },
  }
}

/** {@link openApiDocument} as the text that `GET /openapi.json` answers. */
export const openapiJson: string = JSON.stringify(openApiDocument())
