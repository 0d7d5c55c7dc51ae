import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ThreadContext } from '../worker/thread-context.ts'
import { checkout } from './checkout-route.ts'
import { readHealth, readLiveness, readReadiness } from './health-route.ts'
import { listItems, readItem } from './item-route.ts'
import { openapiJson } from './openapi.ts'
import { originForm } from './parse-query.ts'
import { endUnlessProvenAtItsTurn } from './pipelined.ts'
import { methodNotAllowed, problems } from './problem.ts'
import { purchase } from './purchase-route.ts'
import { cancelReservation, readReservation } from './reservation-route.ts'
import { readSale } from './sale-route.ts'

const POST_ONLY = methodNotAllowed('POST')
const GET_ONLY = methodNotAllowed('GET, HEAD')
const GET_OR_DELETE = methodNotAllowed('GET, HEAD, DELETE')

const RESERVATIONS = '/reservations/'
const ITEMS = '/items/'

/**
 * Finds the route by hand: `new URL` costs more than a refusal and throws on `//`. Paths are compared exactly, so
 * `/checkout/` and `//checkout` do not exist. The absolute form of a target (`http://host/path`) is served too.
 */
export function route(thread: ThreadContext, request: IncomingMessage, response: ServerResponse): void {
  let url = request.url ?? '/'
  if (url.charCodeAt(0) !== 0x2f) url = originForm(url)
  const question = url.indexOf('?')
  const pathEnd = question < 0 ? url.length : question
  const queryFrom = question < 0 ? url.length : question + 1
  const method = request.method
  if (pathEnd === 9 && url.startsWith('/checkout')) {
    if (method === 'POST') return checkout(thread, request, response, url, queryFrom)
    return thread.responder.problem(response, POST_ONLY)
  }
  if (pathEnd === 9 && url.startsWith('/purchase')) {
    if (method === 'POST') return purchase(thread, response, url, queryFrom)
    return thread.responder.problem(response, POST_ONLY)
  }
  const isRead = method === 'GET' || method === 'HEAD'
  if (url.startsWith(RESERVATIONS) && pathEnd > RESERVATIONS.length) {
    if (isRead) return readOfSale(thread, response, () => readReservation(thread, response, url, RESERVATIONS.length, pathEnd))
    if (method === 'DELETE') return cancelReservation(thread, response, url, RESERVATIONS.length, pathEnd)
    return thread.responder.problem(response, GET_OR_DELETE)
  }
  const path = url.slice(0, pathEnd)
  const readProcess = OF_PROCESS.get(path)
  const readSales = readProcess === undefined ? url.startsWith(ITEMS) && pathEnd > ITEMS.length ? READ_ITEM : OF_SALE.get(path) : undefined
  if (readProcess === undefined && readSales === undefined) return thread.responder.problem(response, problems.not_found)
  if (!isRead) return thread.responder.problem(response, GET_ONLY)
  if (readProcess !== undefined) return readProcess(thread, response)
  readOfSale(thread, response, () => readSales?.(thread, response, url, pathEnd, queryFrom))
}

/** What another instance may have changed by now is told by the active one only. G10. */
function readOfSale(thread: ThreadContext, response: ServerResponse, read: () => void): void {
  if (!thread.isActive()) return thread.responder.problem(response, problems.storage_unavailable)
  endUnlessProvenAtItsTurn(thread, response)
  read()
}

type ReadRoute = (
  thread: ThreadContext, response: ServerResponse, url: string, pathEnd: number, queryFrom: number,
) => void

const OF_SALE: ReadonlyMap<string, ReadRoute> = new Map<string, ReadRoute>([
  ['/sale', (thread, response) => readSale(thread, response)],
  ['/items', (thread, response, url, _pathEnd, queryFrom) => listItems(thread, response, url, queryFrom)],
])

const READ_ITEM: ReadRoute = (thread, response, url, pathEnd) => readItem(thread, response, url, ITEMS.length, pathEnd)

const OF_PROCESS: ReadonlyMap<string, (thread: ThreadContext, response: ServerResponse) => void> = new Map([
  ['/livez', readLiveness],
  ['/readyz', readReadiness],
  ['/health', readHealth],
  ['/openapi.json', (thread: ThreadContext, response: ServerResponse) => thread.responder.text(response, 200, 'application/json', openapiJson)],
])
