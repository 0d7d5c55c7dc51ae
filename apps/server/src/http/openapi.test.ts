import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { openapiJson } from './openapi.ts'
import { problems } from './problem.ts'

const document = JSON.parse(openapiJson)

/** The rules of OpenAPI 3.1 for the parts that this document uses, and no part beyond them. */
const rules = {
  type: 'object',
  required: ['openapi', 'info', 'paths', 'components'],
  additionalProperties: false,
  properties: {
    openapi: { const: '3.1.0' },
    info: {
      type: 'object',
      required: ['title', 'version'],
      additionalProperties: false,
      properties: {
        title: { type: 'string' },
        version: { type: 'string' },
        description: { type: 'string' },
        license: { type: 'object', required: ['name'] },
      },
    },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        minProperties: 1,
        propertyNames: { enum: ['get', 'post', 'delete'] },
        additionalProperties: { $ref: '#/$defs/operation' },
      },
    },
    components: {
      type: 'object',
      additionalProperties: false,
      properties: {
        schemas: { type: 'object', propertyNames: { pattern: '^[A-Za-z0-9._-]+$' } },
        responses: { type: 'object', additionalProperties: { $ref: '#/$defs/response' } },
      },
    },
  },
  $defs: {
    operation: {
      type: 'object',
      required: ['operationId', 'summary', 'responses'],
      additionalProperties: false,
      properties: {
        operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
        summary: { type: 'string' },
        description: { type: 'string' },
        parameters: { type: 'array', items: { $ref: '#/$defs/parameter' } },
        requestBody: { $ref: '#/$defs/requestBody' },
        responses: {
          type: 'object',
          minProperties: 1,
          propertyNames: { pattern: '^[1-5][0-9]{2}$' },
          additionalProperties: { $ref: '#/$defs/response' },
        },
      },
    },
    parameter: {
      type: 'object',
      required: ['name', 'in', 'schema'],
      additionalProperties: false,
      properties: {
        name: { type: 'string' },
        in: { enum: ['query', 'path'] },
        required: { type: 'boolean' },
        deprecated: { type: 'boolean' },
        description: { type: 'string' },
        schema: { type: 'object' },
      },
      if: { properties: { in: { const: 'path' } } },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { required: ['required'], properties: { required: { const: true } } },
    },
    response: {
      type: 'object',
      required: ['description'],
      additionalProperties: false,
      properties: {
        description: { type: 'string' },
        headers: {
          type: 'object',
          additionalProperties: { type: 'object', required: ['description', 'schema'] },
        },
        content: { $ref: '#/$defs/content' },
      },
    },
    requestBody: {
      type: 'object',
      required: ['content'],
      additionalProperties: false,
      properties: {
        description: { type: 'string' },
        required: { type: 'boolean' },
        content: { $ref: '#/$defs/content' },
      },
    },
    content: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+/[a-z+.-]+$' },
      additionalProperties: {
        type: 'object',
        required: ['schema'],
        additionalProperties: false,
        properties: {
          schema: { type: 'object' },
          examples: {
            type: 'object',
            additionalProperties: { type: 'object', required: ['value'] },
          },
        },
      },
    },
  },
}

/** Every member called `key` anywhere below `value`. */
function membersCalled(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key ? [inner, ...membersCalled(key, inner)] : membersCalled(key, inner),
  )
}

interface Response {
  readonly content?: Record<
    string,
    { schema: object; examples?: Record<string, { value: unknown }> }
  >
  readonly headers?: Record<string, unknown>
}

const operations = Object.entries<Record<string, Record<string, never>>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

/** Every response, those of components included. */
const responses: [string, Response][] = [
  ...operations.flatMap(({ operation }) => Object.entries<Response>(operation['responses'] ?? {})),
  ['404', document.components.responses.NotFound],
  ['405', document.components.responses.MethodNotAllowed],
  ['400', document.components.responses.BadRequest],
  ['417', document.components.responses.ExpectationFailed],
]

/** Knows the schemas of the document by their references. */
function validator(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    validateFormats: false,
  })
  ajv.addVocabulary(['components'])
  return ajv.addSchema({
    $id: 'urn:mega:api',
    components: { schemas: document.components.schemas },
  })
}

const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"urn:mega:api#/components'))

describe('openApiDocument', () => {
  it('keeps the rules of OpenAPI 3.1', () => {
    const validate = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
    }).compile(rules)
    validate(document)
    expect(validate.errors).toBeNull()
  })

  it('has every public route', () => {
    expect(operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)).toEqual([
      'POST /checkout',
      'POST /purchase',
      'GET /reservations/{code}',
      'DELETE /reservations/{code}',
      'GET /sale',
      'GET /items',
      'GET /items/{id}',
      'GET /items/{id}/image.svg',
      'GET /livez',
      'GET /readyz',
      'GET /health',
      'GET /openapi.json',
    ])
  })

  it('names each operation once, and each parameter of a path', () => {
    const names = membersCalled('operationId', document.paths)
    expect(new Set(names).size).toBe(operations.length)
    for (const { path, operation } of operations) {
      const parameters: { name: string; in: string }[] = operation['parameters'] ?? []
      const declared = parameters.filter((one) => one.in === 'path').map((one) => one.name)
      expect(declared).toEqual(Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name))
    }
  })

  it('refers only to what it has', () => {
    const references = membersCalled('$ref', document)
    expect(references.length).toBeGreaterThan(20)
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\/schemas\//)
      expect(document.components.schemas).toHaveProperty(String(reference).split('/')[3] ?? '')
    }
  })

  it('has only schemas that compile, and uses each', () => {
    const ajv = validator()
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.getSchema(`urn:mega:api#/components/schemas/${name}`)).toBeTypeOf('function')
      expect(openapiJson).toContain(`"$ref":"#/components/schemas/${name}"`)
    }
    for (const [, { content }] of responses) {
      for (const { schema } of Object.values(content ?? {})) ajv.compile(absolute(schema))
    }
  })

  it('gives every problem of the table as an example under its status, and no other', () => {
    const examples = responses.flatMap(([status, { content }]) =>
      Object.entries(content?.['application/problem+json']?.examples ?? {}).map(
        ([name, { value }]) => ({ name, status, value }),
      ),
    )
    expect(new Set(examples.map(({ name }) => name))).toEqual(new Set(Object.keys(problems)))
    const validate = validator().compile(absolute({ $ref: '#/components/schemas/Problem' }))
    for (const { name, status, value } of examples) {
      const problem = problems[name as keyof typeof problems]
      expect(value).toEqual(JSON.parse(problem.body))
      expect(status).toBe(String(problem.status))
      validate(value)
      expect(validate.errors).toBeNull()
    }
  })

  it('gives an example of each body that its schema allows', () => {
    const bodies = membersCalled('requestBody', document.paths) as Response[]
    const contents = bodies.flatMap(({ content }) => Object.values(content ?? {}))
    expect(contents.length).toBe(4)
    for (const { schema, examples } of contents) {
      const validate = validator().compile(absolute(schema))
      expect(Object.values(examples ?? {}).map(({ value }) => validate(value))).toEqual([true])
    }
  })

  it('accepts no problem with a reason or a status that the table lacks', () => {
    const validate = validator().compile(absolute({ $ref: '#/components/schemas/Problem' }))
    const known = JSON.parse(problems.sold_out.body)
    expect(validate(known)).toBe(true)
    expect(validate({ ...known, reason: 'item_lost' })).toBe(false)
    expect(validate({ ...known, status: 418 })).toBe(false)
    expect(validate({ ...known, reason: undefined })).toBe(false)
  })

  it('promises Retry-After with every 503 problem', () => {
    const unavailable = responses.filter(
      ([status, { content }]) => status === '503' && content?.['application/problem+json'],
    )
    expect(unavailable.length).toBeGreaterThan(3)
    for (const [, { headers }] of unavailable) expect(headers).toHaveProperty('Retry-After')
  })
})
