import { request } from 'undici'

/** The service under test, for what a scenario asks once; these requests are not counted. */
export interface ScenarioTarget {
  /** Origin, without a path. */
  readonly url: string
  /**
   * The JSON that a GET of a path gives.
   *
   * @throws whatever undici throws, or an error for another status than 200.
   */
  getJson(path: string): Promise<unknown>
}

/** @param timeoutMs of each request. */
export function scenarioTarget(
  url: string,
  timeoutMs: number,
  authorization?: string,
): ScenarioTarget {
  const headers = authorization === undefined ? {} : { authorization }
  return {
    url,
    async getJson(path) {
      const answer = await request(url + path, {
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        reset: true,
      })
      const text = await answer.body.text()
      if (answer.statusCode === 200) return JSON.parse(text)
      throw new Error(`GET ${url}${path} answered ${answer.statusCode}`)
    },
  }
}
