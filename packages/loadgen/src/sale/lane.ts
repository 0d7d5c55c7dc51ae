/** What one connection of a sell-out is busy with. */
export class Lane {
  /** The try in hand; -1 for none. */
  attempt = -1
  /** Index of the user in hand; -1 for none. */
  user = -1
  /** The reservation in hand; empty for none. */
  code = ''
  saleId = 0
  purchasePath = ''
  /** To wait before the next request; 0 for not at all. */
  pauseMs = 0
  /** The try has been settled: the iteration is over. */
  isSettled = false

  holdCode(code: string, saleId: number): void {
    this.code = code
    this.saleId = saleId
    this.purchasePath = `/purchase?code=${code}`
  }

  forgetUser(): void {
    this.user = -1
  }

  clear(): void {
    this.forgetUser()
    this.attempt = -1
    this.code = ''
    this.saleId = 0
  }
}
