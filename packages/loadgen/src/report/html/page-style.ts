/**
 * The style sheet of a report. Lines differ in colour and in dash, and carry their names, so that
 * no colour has to be told from another; blue, orange and green are of the palette of Okabe and
 * Ito, which people with colour-blindness tell apart.
 */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2127; --soft: #57606a; --paper: #fff; --panel: #f5f7f9; --rule: #d5dae0;
  --grid: #e6e9ed; --one: #0068a8; --two: #b85400; --three: #00755a; --four: #68707a; --bad: #b3261e; --good: #14713d;
  --warn: #8a5a00; --good-back: #e4f4ea; --bad-back: #fbe9e7; --warn-back: #fdf1d8; --plain-back: #e8eef5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a3adb8; --paper: #14181c; --panel: #1d2329; --rule: #3a424b;
  --grid: #2a3138; --one: #62b5ec; --two: #f0a050; --three: #4fc7a0; --four: #9aa5b1; --bad: #ff8a80; --good: #6fd498;
  --warn: #f2c14e; --good-back: #16301f; --bad-back: #3b1b19; --warn-back: #382c10; --plain-back: #1d2b3a } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --panel: #fff; --rule: #bbb; --grid: #e2e2e2;
  --one: #0068a8; --two: #b85400; --three: #00755a; --four: #68707a; --bad: #b3261e; --good: #14713d; --warn: #8a5a00;
  --good-back: #fff; --bad-back: #fff; --warn-back: #fff; --plain-back: #fff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
main { max-width: 1040px; margin: 0 auto; padding: 28px 24px 64px }
h1 { font-size: 15px; font-weight: 600; color: var(--soft); margin: 0 0 10px; overflow-wrap: anywhere }
h2 { font-size: 20px; margin: 44px 0 4px } h3 { font-size: 16px; margin: 26px 0 4px }
p { margin: 4px 0 10px; max-width: 76ch } .note { color: var(--soft); font-size: 13.5px }
.verdict { border: 1px solid; border-left-width: 8px; border-radius: 6px; padding: 14px 18px; overflow-wrap: anywhere }
.verdict strong { display: block; font-size: 26px; line-height: 1.25; letter-spacing: .01em }
.verdict ul { margin: 6px 0 0; padding-left: 1.2em; color: var(--ink) } .verdict p { margin: 4px 0 0; color: var(--ink) }
.good { color: var(--good); border-color: var(--good); background: var(--good-back) }
.bad { color: var(--bad); border-color: var(--bad); background: var(--bad-back) }
.warn { color: var(--warn); border-color: var(--warn); background: var(--warn-back) }
.plain { color: var(--one); border-color: var(--one); background: var(--plain-back) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 18px 0 0; padding: 0 }
.figures div { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 14px }
.figures dt { color: var(--soft); font-size: 13px } .figures dd { margin: 0; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums }
.figures dd small { display: block; font-size: 13px; font-weight: 400; color: var(--soft) }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin: 8px 0 12px; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 4px 12px; border-bottom: 1px solid var(--rule); vertical-align: top; white-space: nowrap }
th { font-weight: 600; color: var(--soft) } thead th { white-space: normal; vertical-align: bottom } th:first-child, td:first-child, .text { text-align: left } thead th { border-bottom: 2px solid var(--rule) }
tbody th { color: var(--ink); font-weight: 500 } td.text { white-space: normal; overflow-wrap: anywhere } .group { border-left: 1px solid var(--rule) }
.status { font-weight: 600; background: none } .bar { display: inline-block; height: 9px; background: var(--one); border-radius: 2px; vertical-align: baseline; min-width: 1px }
.bar.bad { background: var(--bad) } td.bars { width: 220px; text-align: left }
figure { margin: 10px 0 6px } .plot { display: block; width: 100%; height: auto; min-width: 620px; touch-action: pan-y } .plot:focus { outline: 2px solid var(--one); outline-offset: 2px }
.plot text { font-size: 13px; fill: var(--soft); font-variant-numeric: tabular-nums } .plot .axis-label { font-size: 13px; fill: var(--ink) }
.plot .axis line { stroke: var(--soft) } .plot .grid line { stroke: var(--grid) } .plot .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round } .plot .line.one { stroke-width: 3 }
.plot .line.dashed { stroke-dasharray: 5 5; stroke-width: 1.8; stroke-linecap: butt } .plot .leader { fill: none; stroke-width: 1; opacity: .6 } .plot .label { font-size: 13px; font-weight: 600 }
.plot .one { stroke: var(--one) } .plot .two { stroke: var(--two) } .plot .three { stroke: var(--three) } .plot .four { stroke: var(--four) } .plot .line.bad { stroke: var(--bad); background: none }
.plot .leader.bad { stroke: var(--bad) }
.plot .label, .plot .dot { stroke: none } .plot .label.one, .plot .dot.one { fill: var(--one) } .plot .label.two, .plot .dot.two { fill: var(--two) }
.plot .label.three, .plot .dot.three { fill: var(--three) } .plot .label.four, .plot .dot.four { fill: var(--four) } .plot .label.bad, .plot .dot.bad { fill: var(--bad) }
.plot .band { fill: var(--panel) } .plot .mark { stroke: var(--bad); stroke-dasharray: 2 3 } .plot .mark-label { fill: var(--bad) } .plot .cursor { stroke: var(--soft); stroke-width: 1 }
.readout { display: block; min-height: 1.5em; padding-left: 76px; font-size: 13.5px; color: var(--ink); font-variant-numeric: tabular-nums }
details { margin: 6px 0 } summary { cursor: pointer } pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 14px; font-size: 13px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
code { font-size: .95em } footer { margin-top: 48px; border-top: 1px solid var(--rule); padding-top: 10px; color: var(--soft); font-size: 13px }
@media print { body { font-size: 12px } main { max-width: none; padding: 0 } h2, h3 { break-after: avoid } figure, tr, .verdict { break-inside: avoid }
  .readout { display: none } .scroll { overflow: visible } .plot { min-width: 0 } pre { white-space: pre-wrap } .verdict, .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
`
