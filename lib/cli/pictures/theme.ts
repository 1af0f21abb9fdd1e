/** Colors of pages and pictures, on light and on dark ground. */

/** Of curves: each can be told from the others and from both grounds. */
const lineColors = ['#2f7bd6', '#e07a00', '#2a9d4a', '#d8423e', '#9a5fd0', '#12a3a8', '#d765b0', '#a8743a', '#8f9a1e', '#7d8794'] as const

export const colorOf = (index: number): string => lineColors[index % lineColors.length]!

/** Inside an SVG document, also where a page on GitHub shows it as an image. */
export const svgStyle =
  '<style>.ground{fill:#fff}.ink{fill:#24292f}.faint{fill:#6e7781}.grid{stroke:#e4e7eb}.axis{stroke:#8c959f}' +
  '@media(prefers-color-scheme:dark){.ground{fill:#14171c}.ink{fill:#e2e6ea}.faint{fill:#9aa3ad}.grid{stroke:#2b3138}.axis{stroke:#6e7781}}</style>'

/** Of every page; it loads nothing. */
export const pageStyle = `
:root { color-scheme: light dark; --ground: #fff; --ink: #24292f; --faint: #6e7781; --line: #d8dee4; --panel: #f6f8fa; --good: #1a7f37; --bad: #cf222e; --bar: #2f7bd6 }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --ink: #e2e6ea; --faint: #9aa3ad; --line: #363c44; --panel: #1d2127; --good: #3fb950; --bad: #ff7b72; --bar: #4a90e2 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--ground) }
h1 { font-size: 1.7rem; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem }
p { margin: .4rem 0 } .faint { color: var(--faint) } svg { max-width: 100%; height: auto; display: block }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums } td, th { padding: 3px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { font-weight: 600 } td.number, th.number { text-align: right; white-space: nowrap } .scroll { overflow-x: auto }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 1rem 0 } .tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .5rem .9rem; min-width: 8rem }
.tile b { display: block; font-size: 1.35rem; line-height: 1.25 } .tile span { color: var(--faint); font-size: 13px }
.words th { width: 11rem; color: var(--faint); font-weight: 400 } .words td, .words th { border: 0; padding: 2px 10px 2px 0 }
.matrix { font-size: 13px } .matrix td { text-align: right; border: 1px solid var(--line); padding: 2px 7px } .matrix th { border: 1px solid var(--line); padding: 2px 7px }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 3px 10px; align-items: center; font-size: 14px }
.bars .track { background: var(--panel); border-radius: 3px; height: 14px } .bars .track i { display: block; height: 14px; border-radius: 3px; background: var(--bar) }
.sheet { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: 112px; font-size: 12.5px; line-height: 1.35; overflow-wrap: anywhere }
figure img { width: 112px; height: 112px; object-fit: contain; background: var(--panel); image-rendering: pixelated; display: block; border-radius: 4px } .wrong { color: var(--bad) } .right { color: var(--good) }
details { margin-top: 2.2rem } summary { cursor: pointer; color: var(--faint) } .manifest { font-size: 12.5px } .manifest td:last-child { word-break: break-all }
`
