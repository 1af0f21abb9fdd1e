/** Parameters and multiply-adds of He et al. 2016's networks, counted by hand from the paper's tables. */
import test from 'ava'
import { preresnet } from './run.js'

interface Summary {
  readonly parameters: number
  readonly multiplyAdds: number
  readonly layers: readonly { readonly name: string; readonly kind: string; readonly parameters: number; readonly multiplyAdds: number }[]
}

const counts: readonly (readonly [words: string, parameters: number, multiplyAdds: number])[] = [
  ['preresnet-110', 1_727_962, 252_887_680],
  ['preresnet-110 --shortcut projection', 1_730_522, 253_149_824],
  ['preresnet-164', 1_703_258, 247_646_720],
  ['preresnet-164 --stride-on conv1', 1_703_258, 244_500_992],
  ['preresnet-164 --classes 100', 1_726_388, 247_669_760],
  ['preresnet-1001', 10_327_706, 1_490_995_712],
  ['preresnet-1001 --stride-on conv1', 10_327_706, 1_487_849_984],
  ['preresnet-1001 --classes 100', 10_350_836, 1_491_018_752],
  ['preresnet-50', 25_549_352, 4_089_184_256],
  ['preresnet-50 --stride-on conv1', 25_549_352, 3_857_973_248],
  ['preresnet-152', 60_185_128, 11_513_626_624],
  ['preresnet-152 --stride-on conv1', 60_185_128, 11_282_415_616],
  ['preresnet-200', 64_666_152, 15_007_481_856],
  ['preresnet-200 --stride-on conv1', 64_666_152, 14_776_270_848],
]

for (const [words, parameters, multiplyAdds] of counts) {
  test(`summary ${words}`, async (t) => {
    const { status, stdout, stderr } = await preresnet(['summary', ...words.split(' '), '--json'])
    t.is(stderr, '')
    t.is(status, 0)
    const summary = JSON.parse(stdout) as Summary
    t.is(summary.parameters, parameters)
    t.is(summary.multiplyAdds, multiplyAdds)
    t.is(
      summary.layers.reduce((sum, layer) => sum + layer.parameters, 0),
      parameters,
    )
  })
}

test('ResNet-200 has 199 norms', async (t) => {
  const { stdout } = await preresnet(['summary', 'preresnet-200', '--json'])
  const { layers } = JSON.parse(stdout) as Summary
  t.is(layers.filter(({ kind }) => kind === 'batchNorm').length, 199)
})

test('for people: a line a layer, then the sums', async (t) => {
  const { stdout, status } = await preresnet(['summary', 'preresnet-20'])
  t.is(status, 0)
  const lines = stdout.trimEnd().split('\n')
  t.regex(lines[0]!, /^layer +kind +output +parameters +multiply-adds$/)
  t.true(lines.some((line) => /^stem\.conv +conv2d +16 x 32 x 32 +432 +442,368$/.test(line)))
  t.is(lines.at(-1), 'preresnet-20: 269,722 parameters, 40,551,040 multiply-adds an image')
})
