import { inflateSync } from 'node:zlib'
import test from 'ava'
import { curvesSvg, thin } from '../../lib/cli/pictures/curves.js'
import { runPage } from '../../lib/cli/pictures/page.js'
import { encodePng } from '../../lib/cli/pictures/png.js'
import { predictionsSvg } from '../../lib/cli/pictures/predictions.js'
import { pixels } from './pixels.js'

const curves = {
  loss: Array.from({ length: 100 }, (_, index) => ({ step: index + 1, loss: 2 / (index + 1) })),
  error: [
    { step: 50, error: 0.25 },
    { step: 100, error: 0.125 },
  ],
}

const nothing = { figures: [], words: [], pace: [], probe: [] }

/** The points of the line of that class. */
function pointsOf(svg: string, name: 'loss' | 'error'): number[][] {
  const [, points] = new RegExp(`<path d="M([^"]*)"[^>]* class="${name}"`).exec(svg)!
  return points!.split('L').map((point) => point.split(',').map(Number))
}

test('curves: loss on the left, error in percent on the right, over iterations', (t) => {
  const svg = curvesSvg(curves)
  t.regex(svg, /^<svg /)
  for (const title of ['iterations', 'training loss', 'test error \\(%\\)']) t.regex(svg, new RegExp(`>${title}</text>`))
  t.regex(svg, /<path [^>]*class="loss" stroke-dasharray="5,3"/)
  // 720 x 380 pixels; the loss goes from 2 to 0.02, which are round, the error from 25 % to 12.5 % between 25 % and 0 %.
  const losses = pointsOf(svg, 'loss')
  t.is(losses.length, 100)
  t.deepEqual(losses.at(-1), [720, 380])
  t.deepEqual(losses[0], [7.2, 0])
  t.deepEqual(pointsOf(svg, 'error'), [
    [360, 0],
    [720, 190],
  ])
  t.is([...svg.matchAll(/<circle /g)].length, 2)
  t.deepEqual(losses[9], [72, pixelsDown(Math.log10(2 / 0.2) / 2)])
  for (const label of ['0.02', '0.05', '0.1', '1', '2', '100', '25']) t.regex(svg, new RegExp(`>${label}</text>`), label)
})

const pixelsDown = (share: number): number => Math.round(3800 * share) / 10

test('curves with a single point, and with a loss of zero', (t) => {
  const svg = curvesSvg({ loss: [{ step: 1, loss: 0 }], error: [] })
  t.regex(svg, /^<svg /)
  t.notRegex(svg, /NaN|undefined|test error \(/)
  t.deepEqual(pointsOf(svg, 'loss'), [[720, 380]])
  t.notRegex(curvesSvg({ loss: [], error: [{ step: 3, error: 0 }] }), /NaN|undefined|Infinity/)
})

test('iterations are whole numbers, also of a short run', (t) => {
  const svg = curvesSvg({ loss: [], error: [{ step: 2, error: 0.5 }] })
  t.deepEqual(
    [...svg.matchAll(/y="399" >([^<]*)</g)].map(([, label]) => label),
    ['0', '1', '2'],
  )
})

test('thinning keeps the mean and the last step', (t) => {
  const points = Array.from({ length: 1000 }, (_, index) => ({ step: index + 1, loss: index % 2 }))
  const few = thin(points, 10)
  t.is(few.length, 10)
  t.is(few.at(-1)!.step, 1000)
  t.deepEqual(
    few.map(({ loss }) => loss),
    new Array<number>(10).fill(0.5),
  )
  t.is(thin(few, 10), few)
})

test('a page loads nothing and escapes what it shows', (t) => {
  const confusion = {
    classes: ['<cat>', 'dog'],
    counts: [
      [7, 1],
      [0, 9],
    ],
  }
  const page = runPage({ title: 'a & b', headline: '"quoted"', curves, manifest: { recipe: { seed: 3, network: '<b>' } }, confusion, ...nothing })
  t.notRegex(page, /<script|<link|<iframe|@import/i)
  // Names of namespaces are no addresses.
  t.deepEqual([...page.matchAll(/(?:src|href)="(?!data:|#)/g)], [])
  t.regex(page, /<h1>a &amp; b<\/h1>/)
  t.regex(page, /&quot;quoted&quot;/)
  t.regex(page, /<td>recipe\.network<\/td><td>&lt;b&gt;<\/td>/)
  t.regex(page, /<th>&lt;cat&gt;<\/th><td [^>]*>7<\/td><td [^>]*>1<\/td>/)
  t.notRegex(page, /<cat>/)
})

test('PNG: gray and color, read back by hand', (t) => {
  for (const channels of [1, 3] as const) {
    const image = pixels(5, 3, channels)
    const png = encodePng(image)
    t.is(png.subarray(1, 4).toString(), 'PNG')
    t.is(png.readUInt32BE(16), 3)
    t.is(png.readUInt32BE(20), 5)
    const data = png.indexOf('IDAT')
    const raw = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)))
    const rows = Array.from({ length: 5 }, (_, row) => raw.subarray(row * (3 * channels + 1) + 1, (row + 1) * (3 * channels + 1)))
    t.deepEqual(Buffer.concat(rows), Buffer.from(image.values))
  }
})

test('predictions: a picture each, mistakes say what it is', (t) => {
  const svg = predictionsSvg([
    { image: pixels(4, 4, 1), predicted: '7', probability: 0.5, label: '1' },
    { image: pixels(4, 4, 1), predicted: '3', probability: 0.999, label: '3' },
  ])
  t.is([...svg.matchAll(/<image /g)].length, 2)
  t.regex(svg, />50\.0 %, is 1</)
  t.regex(svg, />99\.9 %</)
})
