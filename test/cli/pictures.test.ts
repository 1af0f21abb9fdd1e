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

test('curves: loss on the left, error in percent on the right, over iterations', async (t) => {
  const svg = await curvesSvg(curves)
  t.regex(svg, /^<svg /)
  for (const title of ['iterations', 'training loss', 'test error \\(%\\)']) t.regex(svg, new RegExp(`>${title}</text>`))
  const lines = [...svg.matchAll(/<path aria-roledescription="line mark"|stroke-dasharray="5,3"/g)]
  t.true(lines.length >= 1)
  t.is([...svg.matchAll(/aria-roledescription="symbol mark container"/g)].length >= 1, true)
})

test('curves with a single point, and with a loss of zero', async (t) => {
  t.regex(await curvesSvg({ loss: [{ step: 1, loss: 0 }], error: [] }), /^<svg /)
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

test('a page loads nothing and escapes what it shows', async (t) => {
  const confusion = {
    classes: ['<cat>', 'dog'],
    counts: [
      [7, 1],
      [0, 9],
    ],
  }
  const page = await runPage({ title: 'a & b', headline: '"quoted"', curves, manifest: { recipe: { seed: 3, network: '<b>' } }, confusion })
  t.notRegex(page, /<script|<link|<iframe|@import/i)
  // Names of namespaces are no addresses.
  t.deepEqual([...page.matchAll(/(?:src|href)="(?!data:|#)/g)], [])
  t.regex(page, /<h1>a &amp; b<\/h1>/)
  t.regex(page, /&quot;quoted&quot;/)
  t.regex(page, /<td>recipe\.network<\/td><td>&lt;b&gt;<\/td>/)
  t.regex(page, /<th>&lt;cat&gt;<\/th><td [^>]*>7<\/td><td [^>]*>1<\/td>/)
  t.notRegex(page, /<cat>/)
})

test('PNG: grey and colour, read back by hand', (t) => {
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
