// Whether the stored steps of PyTorch's optimizers, moving averages and losses (test/goldens/pytorch-steps.json) are what PyTorch and timm give now; the tests compare ours with
// the stored ones.
//   node scripts/verify/pytorch-steps.mjs [--python PYTHON]    default: the one of scripts/pytorch-venv.mjs, which needs timm beside torch
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { output, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { values } = parseArgs({ options: { python: { type: 'string', default: join(root, '.venv/bin/python') } } })
const goldens = join(root, 'test/goldens')
const text = output(values.python, [join(goldens, 'pytorch_steps.py')])
if (text === undefined) throw new Stop(`expected ${values.python} with torch and timm, which ran test/goldens/pytorch_steps.py; got none`)
const [now, stored] = [text, readFileSync(join(goldens, 'pytorch-steps.json'), 'utf8')].map((document) => JSON.parse(document))

/** Largest difference of all numbers below two values of the same shape, as a share of the largest number beside it. */
function apart(a, b) {
  if (Array.isArray(a) && typeof a[0] === 'number') {
    const most = Math.max(...a.map(Math.abs))
    return Math.max(...a.map((value, index) => Math.abs(value - b[index]))) / most
  }
  return Math.max(...Object.keys(a).map((key) => apart(a[key], b[key])))
}

let worst = { f64: 0, f32: 0 }
for (const list of ['optimizers', 'averages', 'losses']) {
  for (const [index, one] of now[list].entries()) {
    const kept = stored[list][index]
    if (JSON.stringify([one.kind, one.options]) !== JSON.stringify([kept?.kind, kept?.options]))
      throw new Stop(`${list} ${index}: expected ${one.kind}, got another case; write the file again`)
    for (const precision of ['f64', 'f32']) worst = { ...worst, [precision]: Math.max(worst[precision], apart(one[precision], kept[precision])) }
  }
}
const versions = ({ torch, timm }) => ({ torch, timm })
verdict({ now: versions(now), stored: versions(stored), apart: worst, passed: worst.f64 <= 1e-13 && worst.f32 <= 3e-7 })
