/**
 * The part of JSON Schema (2020-12) that `report.schema.json` uses. A test holds this reader
 * against an independent implementation, and fails if the schema uses more than this.
 */
export interface JsonSchema {
  readonly $ref?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly maxItems?: number
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly description?: string
  readonly title?: string
  readonly $schema?: string
}

/**
 * The first mistake in a value, with the way to it (`/run/steps/0/answerCount is not an integer`);
 * undefined when the value is valid.
 */
export function firstMistake(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema = schema,
  path = '',
): string | undefined {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')]
    if (target === undefined) throw new Error(`the schema has no ${schema.$ref}`)
    return firstMistake(value, target, root, path)
  }
  return (
    mistakeOfValue(value, schema, path || '/') ??
    mistakeOfAlternatives(value, schema, root, path) ??
    mistakeOfItems(value, schema, root, path) ??
    mistakeOfProperties(value, schema, root, path)
  )
}

function mistakeOfValue(value: unknown, schema: JsonSchema, path: string): string | undefined {
  if (schema.const !== undefined && value !== schema.const) {
    return `${path} is not ${JSON.stringify(schema.const)}`
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return `${path} is none of ${schema.enum.join(', ')}`
  }
  if (schema.type !== undefined) {
    const types = typeof schema.type === 'string' ? [schema.type] : schema.type
    if (!types.some((type) => hasType(value, type)))
      return `${path} is not of type ${types.join(' or ')}`
  }
  if (typeof value !== 'number') return undefined
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema
  if (value < minimum) return `${path} is below ${minimum}`
  if (value > maximum) return `${path} is above ${maximum}`
  return value <= exclusiveMinimum ? `${path} is not above ${exclusiveMinimum}` : undefined
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isRecord(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

/** The mistake of the last alternative is told: by convention the schema has null before it. */
function mistakeOfAlternatives(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema,
  path: string,
): string | undefined {
  if (schema.anyOf === undefined) return undefined
  const mistakes = schema.anyOf.map((one) => firstMistake(value, one, root, path))
  return mistakes.includes(undefined) ? undefined : mistakes.at(-1)
}

function mistakeOfItems(
  value: unknown,
  { items, maxItems = Infinity }: JsonSchema,
  root: JsonSchema,
  path: string,
): string | undefined {
  if (!Array.isArray(value)) return undefined
  if (value.length > maxItems) return `${path} has more than ${maxItems} items`
  if (items === undefined) return undefined
  for (const [i, item] of value.entries()) {
    const mistake = firstMistake(item, items, root, `${path}/${i}`)
    if (mistake !== undefined) return mistake
  }
  return undefined
}

function mistakeOfProperties(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema,
  path: string,
): string | undefined {
  if (!isRecord(value)) return undefined
  const missing = schema.required?.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) return `${path}/${missing} is missing`
  for (const [name, part] of Object.entries(value)) {
    const known = schema.properties
    const one =
      known !== undefined && Object.hasOwn(known, name) ? known[name] : schema.additionalProperties
    const mistake =
      one === undefined ? undefined : firstMistake(part, one, root, `${path}/${name}`)
    if (mistake !== undefined) return mistake
  }
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
