import { problems } from './problem.ts'

/** Anything that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object whose members are known only to whoever wrote it. */
export interface JsonObject {
  readonly [member: string]: Json
}

/** Matches what a checkout gives; codes are read in either case. */
const codePattern = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'

const instant = (description: string): JsonObject => ({
  type: 'string',
  format: 'date-time',
  description,
})

const count = (description: string): JsonObject => ({ type: 'integer', minimum: 0, description })

const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

/** An object whose members are all there; more may be added in later versions. */
function record(
  description: string,
  properties: JsonObject,
  optional: readonly string[] = [],
): JsonObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', description, required, properties }
}

const reasons = [...new Set(Object.values(problems).map(({ reason }) => reason))]
const statuses = [...new Set(Object.values(problems).map(({ status }) => status))]

/** The schemas that operations refer to, by name: JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export const schemas = {
  SaleId: {
    type: 'integer',
    minimum: 0,
    description: 'The start of the sale in seconds since 1970-01-01T00:00:00Z.',
  },
  ItemId: { type: 'integer', minimum: 0, description: 'From 0 to the number of items minus 1.' },
  UserId: {
    type: 'string',
    pattern: '^-?[0-9]{1,19}$',
    description: 'An int64 in decimal. A string, for JSON numbers are not exact above 2^53.',
  },
  Code: { type: 'string', pattern: codePattern, description: 'Names one reservation.' },
  CheckoutRequest: {
    type: 'object',
    description: 'The parameters of a checkout that its query lacks. Integers are read by their digits, without fraction or exponent.',
    properties: {
      user_id: {
        description: 'An int64 in decimal.',
        anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^[+-]?[0-9]{1,64}$' }],
      },
      item_id: {
        description: 'From 0 to the number of items minus 1.',
        anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^[+]?[0-9]{1,64}$' }],
      },
      id: {
        description: 'Read when there is no item_id.',
        deprecated: true,
        anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^[+]?[0-9]{1,64}$' }],
      },
    },
  },
  PurchaseRequest: {
    type: 'object',
    description: 'The parameter of a purchase, when its query lacks it.',
    properties: { code: reference('Code') },
  },
  Reservation: record('The time-limited right of one user to one item.', {
    code: reference('Code'),
    saleId: reference('SaleId'),
    itemId: reference('ItemId'),
    userId: reference('UserId'),
    expiresAt: instant('A purchase that arrives at this instant or later is refused.'),
  }),
  Purchase: record('An item that is sold to its user.', {
    code: reference('Code'),
    saleId: reference('SaleId'),
    itemId: reference('ItemId'),
    userId: reference('UserId'),
  }),
  ReservationState: {
    description: 'A reservation and what has become of it.',
    allOf: [
      reference('Purchase'),
      record('What has become of it.', {
        state: {
          enum: ['reserved', 'purchasing', 'cancelling', 'purchased', 'expired', 'cancelled'],
          description: 'purchasing and cancelling are being made durable.',
        },
      }),
      {
        type: 'object',
        properties: { expiresAt: instant('A purchase that arrives at this instant or later is refused. Absent once it is purchased.') },
      },
    ],
  },
  Sale: record('The current sale.', {
    saleId: reference('SaleId'),
    startsAt: instant('When the sale opened.'),
    endsAt: instant('When it takes no more reservations, and the next sale opens.'),
    secondsLeft: count('Until endsAt, rounded up.'),
    items: count('Unique items of the sale.'),
    available: count('Items that can be reserved now.'),
    reserved: count('Items with a live reservation.'),
    sold: count('Items that have been purchased.'),
    userLimit: count('Live reservations plus purchases that one user may have.'),
    reservationTtlMs: count('How long a reservation lasts, in milliseconds.'),
    nextOpensAt: instant('When the next sale opens.'),
  }),
  Item: record('One unique item of a sale.', {
    itemId: reference('ItemId'),
    name: { type: 'string' },
    image: { type: 'string', format: 'uri-reference' },
    state: { enum: ['available', 'reserved', 'sold'] },
  }),
  ItemPage: record('Items of the current sale in the order of their ids.', {
    saleId: reference('SaleId'),
    total: count('Items of the sale.'),
    items: { type: 'array', items: reference('Item'), maxItems: 1000 },
    nextFrom: {
      type: ['integer', 'null'],
      description: 'from of the next page, if there is one.',
    },
  }),
  Readiness: record('Whether to send requests here.', {
    state: { type: 'string', description: 'active when it serves; otherwise why it does not.' },
    since: instant('When the state began.'),
  }),
  Health: record('The instance and what its state follows from; more members are for people.', {
    state: { type: 'string' },
    since: instant('When the state began.'),
    database: { type: 'object' },
    lease: { type: 'object' },
    sale: { type: ['object', 'null'] },
  }),
  Problem: record(
    'An RFC 9457 problem. Match on reason.',
    {
      type: { type: 'string', format: 'uri', pattern: '^urn:megacache:problem:[a-z_]+$' },
      title: { type: 'string' },
      status: { enum: statuses },
      detail: { type: 'string' },
      reason: { enum: reasons },
      parameter: { type: 'string', description: 'Which parameter is wrong; body when it cannot be read as JSON.' },
    },
    ['parameter'],
  ),
} as const satisfies Record<string, JsonObject>

/** A reference to one of {@link schemas}. */
export function schema(name: keyof typeof schemas): JsonObject {
  return reference(name)
}
