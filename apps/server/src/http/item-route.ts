import type { ServerResponse } from 'node:http'
import type { ShelvedSale } from '../worker/sale-shelf.ts'
import type { ThreadContext } from '../worker/thread-context.ts'
import { itemImageSvg, itemImageUrl, itemName } from './item-catalogue.ts'
import { findParameter, type TextRange } from './parse-query.ts'
import { parseItemId } from './parse-user-id.ts'
import { problems } from './problem.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1_000
const IMAGE_SUFFIX = '/image.svg'
const range: TextRange = { from: 0, to: 0 }

/** `GET /items?from=&limit=`: names, images and states of a page of items. */
export function listItems(thread: ThreadContext, response: ServerResponse, url: string, queryFrom: number): void {
  const sale = thread.shelf.latest()
  if (sale === undefined) return thread.responder.problem(response, problems.storage_unavailable)
  const from = findParameter(url, queryFrom, 'from', range) ? parseItemId(url, range.from, range.to, 2 ** 31) : 0
  if (from < 0) return thread.responder.problem(response, problems.invalid_from)
  const limit = findParameter(url, queryFrom, 'limit', range)
    ? parseItemId(url, range.from, range.to, LIMIT_MAX + 1)
    : LIMIT_DEFAULT
  if (limit < 1) return thread.responder.problem(response, problems.invalid_limit)
  if (thread.responder.refusesLong(response)) return thread.responder.problem(response, problems.overloaded)
  const to = Math.min(sale.terms.itemCount, from + limit)
  const items = []
  for (let itemId = from; itemId < to; itemId++) items.push(describe(sale, itemId))
  thread.responder.json(response, {
    saleId: sale.terms.saleId, total: sale.terms.itemCount, items, nextFrom: to < sale.terms.itemCount ? to : null,
  })
}

/** `GET /items/<id>` and `GET /items/<id>/image.svg`. `from` is where the id begins. */
export function readItem(thread: ThreadContext, response: ServerResponse, url: string, from: number, to: number): void {
  const sale = thread.shelf.latest()
  if (sale === undefined) return thread.responder.problem(response, problems.storage_unavailable)
  const isImage = url.slice(from, to).endsWith(IMAGE_SUFFIX)
  const itemId = parseItemId(url, from, isImage ? to - IMAGE_SUFFIX.length : to, sale.terms.itemCount)
  if (itemId < 0) return thread.responder.problem(response, problems.not_found)
  if (isImage) {
    return thread.responder.text(response, 200, 'image/svg+xml', itemImageSvg(sale.terms.saleId, itemId))
  }
  thread.responder.json(response, describe(sale, itemId))
}

function describe(sale: ShelvedSale, itemId: number): unknown {
  const { state } = sale.engine.item(itemId)
  return { itemId, name: itemName(itemId), image: itemImageUrl(itemId), state }
}
