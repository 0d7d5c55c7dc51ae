import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { htmlReport } from '../../src/report/html/html-report.ts'
import { runReport } from '../../src/report/run-report.ts'
import { syntheticRun } from '../synthetic-run.ts'

const program = findChromium()
if (program === undefined && process.env['CI'] !== undefined) {
  throw new Error('no chromium on PATH: apt-get install chromium, or say where with CHROMIUM')
}

const run = syntheticRun({ seed: 3, seconds: 30, answersPerSecond: 50, errorShare: 0.01 })
const script = '</script><script>document.title = "owned"</script><img src="http://127.0.0.1:9/x">'

/** What a page did that a report must not do. */
interface Opened {
  readonly page: Page
  readonly complaints: readonly string[]
  readonly requests: readonly string[]
}

describe.skipIf(program === undefined)(
  'the HTML report in a browser (needs chromium on PATH)',
  () => {
    let browser: Browser
    let directory: string
    let url: string

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'loadgen-report-'))
      const [step] = run.steps
      if (step === undefined) throw new Error('an empty run')
      const outcomes = [...step.outcomes, { status: 500, reason: script, count: 5 }]
      const hostile = { ...run, steps: [{ ...step, outcomes }, ...run.steps.slice(1)] }
      const file = join(directory, 'report.html')
      const report = runReport({ run: hostile, verification: undefined, exitStatus: 0 })
      writeFileSync(file, htmlReport(report))
      url = pathToFileURL(file).href
      // The sandbox of chromium needs a user other than root; the page is our own.
      browser = await chromium.launch({
        executablePath: program ?? '',
        args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      })
    }, 60_000)

    afterAll(async () => {
      await browser.close()
      rmSync(directory, { recursive: true })
    })

    async function open(options: BrowserContextOptions = {}): Promise<Opened> {
      const context = await browser.newContext({
        viewport: { width: 1100, height: 900 },
        ...options,
      })
      const page = await context.newPage()
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('request', (request) => requests.push(request.url()))
      await page.goto(url)
      return { page, complaints, requests }
    }

    test('opens without a complaint and asks for nothing', async () => {
      const { page, complaints, requests } = await open()
      await page.waitForLoadState('networkidle')
      expect(complaints).toEqual([])
      expect(requests.filter((asked) => asked !== url && !asked.startsWith('data:'))).toEqual([])
      expect(await page.title()).toBe('measured: chain against http://127.0.0.1:8080')
    })

    test.each([true, false])('draws every plot (scripts: %s)', async (javaScriptEnabled) => {
      const { page } = await open({ javaScriptEnabled })
      const plots = page.locator('svg.plot')
      // By percentile and over time for two steps, throughput, errors, CPU and send lag.
      expect(await plots.count()).toBe(8)
      for (const plot of await plots.all()) {
        const box = await plot.boundingBox()
        expect(box?.width).toBeGreaterThan(600)
        expect(box?.height).toBeGreaterThan(100)
      }
      const lines = await page.locator('svg.plot path.line').all()
      expect(lines.length).toBeGreaterThanOrEqual(16)
      for (const line of lines) {
        const box = await line.boundingBox()
        expect(box?.width, (await line.getAttribute('class')) ?? '').toBeGreaterThan(300)
      }
      await expect(page.locator('table').first().innerText()).resolves.toContain('checkout')
    })

    test('keeps the names of lines inside the drawing and apart from one another', async () => {
      const { page } = await open()
      for (const plot of await page.locator('svg.plot').all()) {
        const frame = await plot.boundingBox()
        const labels = await plot.locator('text.label').all()
        const boxes = await Promise.all(labels.map((label) => label.boundingBox()))
        boxes.sort((one, other) => (one?.y ?? 0) - (other?.y ?? 0))
        for (const [i, box] of boxes.entries()) {
          if (box === null || frame === null) throw new Error('a label is not drawn')
          expect(box.x + box.width).toBeLessThanOrEqual(frame.x + frame.width + 0.5)
          const above = boxes[i - 1]
          // Two pixels of the line height are empty.
          if (above) expect(box.y).toBeGreaterThanOrEqual(above.y + above.height - 3)
        }
      }
    })

    test('shows single values under the pointer and with the keys', async () => {
      const { page, complaints } = await open()
      const plot = page.locator('svg.plot').first()
      const readout = page.locator('.readout').first()
      await plot.scrollIntoViewIfNeeded()
      await plot.hover({ position: { x: 500, y: 100 } })
      await expect.poll(() => readout.innerText(), { timeout: 15_000 }).toMatch(/^[\d.]+ %: from due time [\d.]+ ms/)
      const before = await readout.innerText()
      await page.mouse.move(2, 2)
      await plot.focus()
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => readout.innerText(), { timeout: 15_000 }).toMatch(/^[\d.]+ %: /)
      expect(await readout.innerText()).not.toBe(before)
      expect(complaints).toEqual([])
    })

    test.each(['light', 'dark'] as const)('has enough contrast in the %s', async (colorScheme) => {
      const { page } = await open({ colorScheme })
      const ratios = await page.evaluate<{ text: string; ratio: number }[]>(CONTRAST_OF_TEXTS)
      expect(ratios.length).toBeGreaterThan(100)
      expect(ratios.filter(({ ratio }) => ratio < 4.5)).toEqual([])
    })

    test('is readable on paper and on a telephone', async () => {
      const { page } = await open({ viewport: { width: 390, height: 800 } })
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      expect(overflow).toBeLessThanOrEqual(0)
      const pdf = await page.pdf({ format: 'A4' })
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    })

    test('runs no script that a server smuggled in', async () => {
      const { page } = await open()
      expect(await page.locator('script').count()).toBe(1)
      expect(await page.locator('img').count()).toBe(0)
      expect(await page.getByText('document.title =').count()).toBe(1)
    })
  },
)

/** WCAG's contrast of every text with what is behind it; text, since it runs in the page. */
const CONTRAST_OF_TEXTS = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number)
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor)
      if (color.length === 3 || color[3] > 0) return color
    }
    return [255, 255, 255]
  }
  const texts = 'h1, h2, h3, p, li, th, td, dt, dd, small, strong, svg text, code'
  return [...document.querySelectorAll(texts)]
    .filter((element) => element.textContent.trim() !== '')
    .map((element) => {
      const style = getComputedStyle(element)
      const ink = luminance(parse(element instanceof SVGElement ? style.fill : style.color))
      const back = luminance(behind(element))
      const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05)
      return { text: element.tagName + ' ' + element.textContent.slice(0, 40), ratio }
    })
})()`

function findChromium(): string | undefined {
  const given = process.env['CHROMIUM']
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)))
  return [...(given === undefined ? [] : [given]), ...candidates].find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
