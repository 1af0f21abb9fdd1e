import test from 'ava'
import { everyone, reference } from '../support/executors.js'
import { judge, type NamedCase } from '../support/judge.js'
import { runOperation } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { philoxWord } from '../support/philox.js'
import { Code, pointwiseStatement, sumsOfStored } from '../support/pointwise.js'
import { Random } from '../support/random.js'
import { dot, type Values } from '../support/values.js'

interface Shape {
  readonly domain: readonly [number, number, number, number]
  readonly groups: number
}
type Scenario = (shape: Shape, random: Random) => Omit<NamedCase, 'name'>

const normals = (random: Random, shapes: readonly (readonly number[])[]): Values[] => shapes.map((shape) => random.normals(shape))

/** The code patterns of post-activation units, ablations and their backward passes. */
const scenarios: Readonly<Record<string, Scenario>> = {
  /** relu(bn(x) + bn(z)), the second norm with one group for all; statistics for what follows. */
  addition: ({ domain, groups }, random) => {
    const code = new Code()
    const sum = code.put('add', code.normalize(code.tensor(0), 0), code.normalize(code.tensor(1), 2))
    const y = code.put('relu', sum)
    const C = domain[1]
    return {
      inputs: {
        tensors: normals(random, [domain, domain]),
        vectors: [random.scales([groups, C]), random.normals([groups, C]), random.scales([1, C]), random.normals([1, C])],
      },
      outputs: { outputs: [domain], sums: [groups, 2, C] },
      attributes: { code: code.code, stores: [y], sumTerms: [y, -1, y, y], domain },
    }
  },
  /** x + the subsampled relu(bn(z)) of half the channels. */
  optionA: ({ domain, groups }, random) => {
    const [N, C, H, W] = domain
    const half = Math.ceil(C / 2)
    const code = new Code()
    const shortcut = code.put('relu', code.normalize(code.tensor(1, 2), 0))
    const y = code.put('add', code.tensor(0), shortcut)
    return {
      inputs: {
        tensors: normals(random, [domain, [N, half, 2 * H, 2 * W - 1]]),
        vectors: [random.scales([groups, half]), random.normals([groups, half])],
      },
      outputs: { outputs: [domain] },
      attributes: { code: code.code, stores: [y], domain },
    }
  },
  /** Its adjoint: the gradient of fewer positions and more channels, added to another, masked. */
  optionABackward: ({ domain, groups }, random) => {
    const [N, C, H, W] = domain
    const code = new Code()
    const total = code.put('add', code.tensor(0), code.tensor(1, -2))
    const x = code.tensor(2)
    const d = code.put('multiply', total, code.put('positive', code.normalize(x, 0)))
    return {
      inputs: {
        tensors: normals(random, [domain, [N, 2 * C, Math.ceil(H / 2), Math.ceil(W / 2)], domain]),
        vectors: [random.scales([groups, C]), random.normals([groups, C])],
      },
      outputs: { outputs: [domain], sums: [groups, 2, C] },
      attributes: { code: code.code, stores: [d], sumTerms: [d, -1, d, x], domain },
    }
  },
  /** g x + (1 - g) z and the gate's gradient, two results and sums of what is not stored. */
  gate: ({ domain, groups }, random) => {
    const code = new Code()
    const [x, z] = [code.tensor(0), code.tensor(1)]
    const gate = code.put('sigmoid', code.tensor(2))
    const rest = code.put('add', code.put('constant', 0), code.put('multiply', code.put('constant', 1), gate))
    const y = code.put('add', code.put('multiply', gate, x), code.put('multiply', rest, z))
    const slope = code.put('multiply', gate, rest)
    return {
      inputs: { tensors: normals(random, [domain, domain, domain]), vectors: [] },
      outputs: { outputs: [y, slope].map(() => domain), sums: [groups, 3, domain[1]] },
      attributes: { code: code.code, constants: [1, -1], stores: [y, slope], sumTerms: [gate, -1, y, gate, slope, x], domain },
    }
  },
  /** Two dropouts, constants and sums only of what is stored. */
  dropout: ({ domain, groups }, random) => {
    const code = new Code()
    const first = code.put('multiply', code.tensor(0), code.put('dropout', 0))
    const second = code.put('multiply', code.put('constant', 1), code.put('dropout', 1))
    const y = code.put('add', first, second)
    return {
      inputs: { tensors: normals(random, [domain]), vectors: [] },
      outputs: { outputs: [domain], sums: [groups, 2, domain[1]] },
      attributes: {
        code: code.code,
        constants: [-2, 0.75],
        stores: [y],
        sumTerms: [y, -1, y, y],
        dropoutRates: [0.5, 0.2],
        dropoutKeys: [3, 4_000_000_000],
        domain,
      },
      step: { seed: 2 ** 40 + 17, index: 123_456 },
    }
  },
  /** Statistics of a tensor that somebody else stored. */
  sumsOnly: ({ domain, groups }, random) => {
    const code = new Code()
    const x = code.tensor(0)
    return {
      inputs: { tensors: normals(random, [domain]), vectors: [] },
      outputs: { outputs: [], sums: [groups, 2, domain[1]] },
      attributes: { code: code.code, sumTerms: [x, -1, x, x], domain },
    }
  },
  /** Many registers alive at once, more sums than a launch takes, and a vector with a row for each image. */
  many: ({ domain, groups }, random) => {
    const [N, C] = domain
    const code = new Code()
    const read = Array.from({ length: 6 }, (_, index) => code.tensor(index % 3))
    const scaled = read.map((register, index) => code.put('multiply', register, code.put('vector', index % 2)))
    const total = [...read, ...scaled].reduce((left, right) => code.put('add', left, right))
    return {
      inputs: { tensors: normals(random, [domain, domain, domain]), vectors: [random.scales([N, C]), random.scales([groups, C])] },
      outputs: { outputs: [domain], sums: [groups, 7, C] },
      attributes: { code: code.code, stores: [total], sumTerms: [total, -1, ...scaled.flatMap((register) => [register, total])], domain },
    }
  },
  /** A constant: reads nothing at all. */
  constant: ({ domain }) => {
    const code = new Code()
    code.put('constant', 0)
    return { inputs: { tensors: [], vectors: [] }, outputs: { outputs: [domain] }, attributes: { code: code.code, constants: [0.375], stores: [0], domain } }
  },
}

const cases: NamedCase[] = pairwise({
  scenario: Object.keys(scenarios),
  images: [2, 1, 11],
  groups: [1, 3],
  channels: [17, 1, 3, 16, 40],
  size: [
    [5, 7],
    [1, 1],
    [7, 7],
    [9, 9],
  ],
}).map(({ scenario, images, groups, channels, size }, index) => {
  const domain = [images * groups, channels, ...size] as const
  return { name: `${scenario} ${domain.join(' x ')}, ${groups} groups`, ...scenarios[scenario]!({ domain, groups }, new Random(18000 + index)) }
})

/** Whole images and single values by dropouts of one operation, added to a shortcut. */
const wholeImages = (images: number, channels: number): NamedCase => {
  const domain = [images, channels, 5, 7]
  const random = new Random(18_800 + channels)
  const code = new Code()
  const branch = code.put('multiply', code.tensor(0), code.put('dropout', 0, 1))
  const y = code.put('add', branch, code.put('multiply', code.tensor(1), code.put('dropout', 1)))
  return {
    name: `dropout of ${images} images, ${channels} channels`,
    inputs: { tensors: normals(random, [domain, domain]), vectors: [] },
    outputs: { outputs: [domain], sums: [1, 2, channels] },
    attributes: { code: code.code, stores: [y], sumTerms: [y, -1, y, y], dropoutRates: [0.5, 0.25], dropoutKeys: [7, 8], domain },
    step: { seed: 5, index: 9 },
    repeated: true,
  }
}
cases.push(wholeImages(11, 17), wholeImages(6, 8))

judge('pointwise', { cases, statement: pointwiseStatement, derived: sumsOfStored })

test('pointwise: reading with -s is the adjoint of reading with s', async (t) => {
  const random = new Random(18900)
  for (const [s, H, W] of [
    [1, 4, 5],
    [2, 7, 8],
    [3, 7, 9],
  ] as const) {
    const small = [2, 24, Math.ceil(H / s), Math.ceil(W / s)] as const
    const large = [2, 17, H, W] as const
    const [x, cotangent] = [random.normals(large), random.normals(small)]
    const read = async (tensor: Values, access: number, domain: readonly number[]): Promise<Values> => {
      const code = new Code()
      code.tensor(0, access)
      const operation = { inputs: { tensors: [tensor], vectors: [] }, outputs: { outputs: [domain] }, attributes: { code: code.code, stores: [0], domain } }
      return (await runOperation(reference, 'pointwise', operation))['outputs.0']!
    }
    const forward = dot(cotangent, await read(x, s, small))
    const backward = dot(await read(cotangent, s === 1 ? 1 : -s, large), x)
    t.true(Math.abs(forward) > 1e-3)
    t.true(Math.abs(forward - backward) <= 1e-12 * Math.abs(forward), `s = ${s}: ${forward} and ${backward}`)
  }
})

test("the generator that judges dropout gives the known answer of Philox's authors", (t) => {
  t.deepEqual(
    [0, 1, 2, 3].map((index) => philoxWord(0, 0, 0, index)),
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  )
})

for (const executor of everyone) {
  test(`pointwise: dropout hangs on seed, step and key, keeps the mean, and is bit-equal everywhere: ${executor.name}`, async (t) => {
    const domain = [4, 20, 16, 16]
    const code = new Code()
    code.put('dropout', 0)
    const mask = async (key: number, seed: number, index: number, on = executor): Promise<readonly number[]> => {
      const attributes = { code: code.code, stores: [0], dropoutRates: [0.25], dropoutKeys: [key], domain }
      const operation = { inputs: { tensors: [], vectors: [] }, outputs: { outputs: [domain] }, attributes, step: { seed, index } }
      return [...(await runOperation(on, 'pointwise', operation))['outputs.0']!.data].map((value) => Math.sign(value))
    }
    const first = await mask(1, 2, 3)
    t.deepEqual(first, await mask(1, 2, 3, reference))
    const kept = first.filter((value) => value === 1).length / first.length
    // 20,480 draws: five deviations.
    t.true(Math.abs(kept - 0.75) < 5 * Math.sqrt((0.25 * 0.75) / first.length), `kept ${kept}`)
    for (const other of [await mask(2, 2, 3), await mask(1, 3, 3), await mask(1, 2, 4)]) {
      const equal = first.filter((value, position) => value === other[position]).length / first.length
      t.true(Math.abs(equal - 0.625) < 0.02, `independent masks agree in 5 of 8 positions, got ${equal}`)
    }
  })
}
