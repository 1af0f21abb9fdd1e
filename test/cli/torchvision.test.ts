/** What `bench data` measures beside, with a program in the place of Python. */
import test from 'ava'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTorchvision } from '../../lib/cli/torchvision.js'
import { hasCounterpart, torchvisionProgram } from '../../lib/cli/torchvision_program.js'
import { stepKinds } from '../../lib/data/prepare/steps.js'
import { flip, lighting, randomErasing, resize, trivialAugment, type Preparation } from '../../lib/data/index.js'
import { temporaryFolder } from '../support/folder.js'
import { numbered, numberedFiles, numberedShape } from '../support/numbered.js'

const reading = { input: numberedShape, prepare: { train: [resize(4), flip()], evaluate: [resize(3)] }, batch: 2 }

/** It answers as Python does: what it was told of, and then a rate. */
const torchvision = `#!/usr/bin/env node
const { createInterface } = require('node:readline')
let given
createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line)
  const answer = given === undefined ? { versions: JSON.stringify(question) } : { rate: question.workers * (question.mode === 'train' ? 10 : 1) }
  given = question
  console.log(JSON.stringify(answer))
})
`

async function program(folder: string, text: string): Promise<string> {
  const path = join(folder, 'python')
  await writeFile(path, text, { mode: 0o755 })
  return path
}

test('torchvision is told of the files and the steps, and says its rates', async (t) => {
  const folder = await temporaryFolder(t)
  const { said, rate, close } = await startTorchvision(await program(folder, torchvision), await numberedFiles(folder, 3), reading)
  t.deepEqual(JSON.parse(said), {
    images: [0, 1, 2].map((index) => [join(folder, `${index}.png`), 0, -1]),
    train: reading.prepare.train,
    evaluate: reading.prepare.evaluate,
    input: numberedShape,
    batch: 2,
  })
  t.deepEqual([await rate!('evaluate', 1, 0.1), await rate!('train', 2, 0.1)], [1, 20])
  await close()
})

test('of a large set it is told of 10,000 files that are evenly spaced', async (t) => {
  const folder = await temporaryFolder(t)
  const one = await numberedFiles(folder, 1)
  const source = { kind: 'ranges', files: ['a', 'b'], file: Int32Array.from({ length: 30_000 }, (_, index) => index % 2) } as const
  const offset = Float64Array.from({ length: 30_000 }, (_, index) => index)
  const { said, close } = await startTorchvision(await program(folder, torchvision), { ...one, source: { ...source, offset, length: offset } }, reading)
  const { images } = JSON.parse(said) as { images: [string, number, number][] }
  t.is(images.length, 10_000)
  t.deepEqual([images[1], images.at(-1)], [['b', 3, 3], ['b', 29_997, 29_997]]) // prettier-ignore
  await close()
})

test('where it cannot be had, the reason is said', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await numberedFiles(folder, 3)
  const saidBy = async (python: string, dataset = files, prepare: Preparation = reading.prepare): Promise<string> => {
    const { said, rate, close } = await startTorchvision(python, dataset, { ...reading, prepare })
    t.is(rate, undefined)
    await close()
    return said
  }
  const nowhere = join(folder, 'nowhere')
  t.is(await saidBy('none'), 'not measured: --python none')
  t.is(await saidBy(nowhere, files, { train: [flip(), lighting()] }), 'not measured: expected steps that torchvision has, got lighting({ std: 0.1 })')
  t.is(await saidBy(nowhere, files, { train: [trivialAugment(), randomErasing()] }), `not measured: ${nowhere}: spawn ${nowhere} ENOENT`)
  t.is(await saidBy(nowhere, await numbered(3)), 'not measured: its datasets are of files')
  t.is(await saidBy(nowhere), `not measured: ${nowhere}: spawn ${nowhere} ENOENT`)
  const python = await program(folder, '#!/bin/sh\necho "Traceback:" >&2\necho "ModuleNotFoundError: No module named torch" >&2\nexit 1\n')
  t.is(await saidBy(python), `not measured: ${python}: ModuleNotFoundError: No module named torch`)
  t.is(await saidBy(await program(folder, '#!/bin/sh\nexit 0\n')), `not measured: ${python}: it ended without an answer`)
})

test('a step that the program of Python does not know is no other step', (t) => {
  // Its last word on a step is an error, and every kind that it has a counterpart of stands before that.
  const body = /def step_of[^]*?\n\n\n/.exec(torchvisionProgram)![0]
  t.regex(body, /raise ValueError\(f'no step \{kind\}'\)\n+$/)
  const known = [...body.matchAll(/kind == '(\w+)'/g)].map(([, kind]) => kind!)
  t.deepEqual(known.sort(), stepKinds.filter((kind) => hasCounterpart(kind)).sort())
})
