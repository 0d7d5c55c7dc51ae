import type { Random } from '../../simulation/world/random.ts'
import { drawCodeText, drawItemText, drawUserText, escaped } from './draw-text.ts'

/** What drawn requests speak of. */
export interface Surroundings {
  /** Items of the sale. */
  readonly items: number
  /** Items that this trial asks for. */
  readonly itemFrom: number
  readonly itemTo: number
  /** Codes that were given. */
  readonly codes: readonly string[]
}

export interface Target {
  readonly method: string
  readonly url: string
}

const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'LINK'] as const

const STRANGE_PATHS: readonly string[] = [
  '/', '//', '///', '//checkout', '//evil.example/checkout', '/checkout/', '/CHECKOUT', '/checkout;a=1', '/./checkout', '/checkout/../checkout', '/%63heckout', '/check%6Fut',
  '/purchase/', '/purchasex', '/purchas', '/reservations', '/reservations/', '/reservations//', '/reservations/%', '/reservations/a/b', '/sale/', '/sales', '/sale%00', '/items/',
  '/items//image.svg', '/items/image.svg', '/items/1/image.svg/', '/items/1/', '/items/1/x', '/items/%zz', '/items/-0', '/metrics', '/events', '/livez/', '/openapi.json/', '/%', '/%zz',
  '/%00', '/__proto__', '/constructor', '/toString', '/hasOwnProperty', '/..%2f..%2fetc/passwd', '/\\', '/sale#x', '/"', '/<>', '/{}', '/|', '/^', '/`', '/a:b@c', '/?', '/??', '/#',
]

/** A method and a request target; of every route, and of none. */
export function drawTarget(random: Random, around: Surroundings): Target {
  const { method, url } = random.chance(0.92) ? drawRoute(random, around) : { method: random.pick(METHODS), url: random.pick(STRANGE_PATHS) + drawQuery(random, []) }
  return { method: random.chance(0.04) ? random.pick(METHODS) : method, url: random.chance(0.05) ? absolute(random, url) : url }
}

function drawRoute(random: Random, around: Surroundings): Target {
  const code = (): string => drawCodeText(random, around.codes)
  const read = random.chance(0.9) ? 'GET' : 'HEAD'
  switch (random.integer(0, 19)) {
    case 0:
      return { method: read, url: `/reservations/${code()}` }
    case 1:
      return { method: random.chance(0.5) ? 'DELETE' : read, url: `/reservations/${code()}${drawQuery(random, [])}` }
    case 2:
      return { method: read, url: `/sale${drawQuery(random, [])}` }
    case 3:
      return { method: read, url: `/items${drawQuery(random, random.chance(0.3) ? [] : [['from', pageText(random)], ['limit', pageText(random)]])}` }
    case 4:
      return { method: read, url: `/items/${itemText(random, around)}` }
    case 5:
      return { method: read, url: `/items/${itemText(random, around)}/image.svg` }
    case 6:
      return { method: read, url: `${random.pick(['/livez', '/readyz', '/health'])}${drawQuery(random, [])}` }
    case 7:
      return { method: read, url: random.chance(0.1) ? '/openapi.json' : '/livez' }
    case 8: case 9: case 10: case 11:
      return { method: 'POST', url: `/purchase${drawQuery(random, [['code', code()]])}` }
    default:
      return { method: 'POST', url: `/checkout${drawQuery(random, [['user_id', drawUserText(random)], [random.chance(0.8) ? 'item_id' : 'id', itemText(random, around)]])}` }
  }
}

function itemText(random: Random, { items, itemFrom, itemTo }: Surroundings): string {
  return drawItemText(random, itemFrom, itemTo, items)
}

function pageText(random: Random): string {
  return random.chance(0.3) ? drawItemText(random, 0, 2 ** 31, 1_000) : String(random.integer(0, 20))
}

/** Parameters in any order; some are missing, some come twice, some have names that need decoding. */
function drawQuery(random: Random, pairs: readonly (readonly [string, string])[]): string {
  const texts = pairs.map(([name, value]) => {
    const shown = random.chance(0.05) ? escaped(random, name, random.pick([0.2, 1])) : name
    return random.chance(0.02) ? shown : `${shown}=${value}`
  })
  if (random.chance(0.06)) texts.push(random.pick([texts[0] ?? 'user_id=1', 'user_id=1', 'user_id', 'item_id=0', 'id=1', 'code=x', 'USER_ID=5', '', '=', '%', '%zz=1', 'a[]=1', '#', '?user_id=3']))
  if (random.chance(0.1)) texts.reverse()
  if (random.chance(0.04)) texts.splice(random.integer(0, texts.length), 1)
  if (texts.length === 0) return random.chance(0.05) ? '?' : ''
  return `?${texts.join(random.chance(0.97) ? '&' : random.pick(['&&', ';', '&&&', '%26', '?']))}`
}

function absolute(random: Random, url: string): string {
  return `${random.pick(['http://sale', 'HTTP://other.example:81', 'https://user@sale:443', 'http://[::1]:8080', 'ftp://sale', 'http://', 'HtTp://a'])}${random.chance(0.9) ? url : url.slice(1)}`
}
