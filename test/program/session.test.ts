/** A session's life: memory, values in and out, steps, canceling, garbage in dead memory, numbers that are not finite, the end. */
import test, { type ExecutionContext } from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import type { ErrorCode, PreresnetError } from '../../lib/errors.js'
import type { NativeSession } from '../../lib/native/types.js'
import { BATCH, CLASSES, fill, NORMS, openSession, SIDE, steps, tinyNetwork, tinyPrograms } from '../support/tiny.js'

async function trained(device: 'reference' | 'cpu'): Promise<NativeSession> {
  const session = await openSession(await tinyPrograms(device))
  await fill(session)
  return session
}

async function rejected(t: ExecutionContext, call: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  const error = await t.throwsAsync<PreresnetError>(call)
  t.is(error.code, code)
  t.regex(error.message, message)
}

/** Everything that lasts. */
async function state(session: NativeSession): Promise<Record<string, unknown>> {
  const names = ['parameters', 'velocity', ...NORMS.flatMap((norm) => [`${norm}.running_mean`, `${norm}.running_var`])]
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await session.read(name)] as const)))
}

/** Of the last step; nothing else may have run since. */
async function gradients(session: NativeSession): Promise<unknown[]> {
  return Promise.all(buildGraph(tinyNetwork()).parameters.map(({ name }) => session.read(`gradient/${name}`)))
}

for (const device of ['reference', 'cpu'] as const) {
  test(`${device}: the loss falls, the same run gives the same bits, and garbage in dead memory changes none`, async (t) => {
    const runs = []
    for (const poison of [false, false, true]) {
      const session = await trained(device)
      const { rows, completed } = await session.run('train', steps(6, { poison, checkFinite: true }))
      t.is(completed, 6)
      t.is(rows[1], BATCH)
      t.true(rows[30]! < rows[0]!, `loss ${String(rows[0])} to ${String(rows[30])}`)
      const losses = [...rows].filter((_, index) => index % 6 === 0)
      runs.push({ losses, gradients: await gradients(session), ...(await state(session)) })
      await session.dispose()
    }
    t.deepEqual(runs[1], runs[0])
    t.deepEqual(runs[2], runs[0])
  })

  test(`${device}: a call of many steps is the same as many calls`, async (t) => {
    const [once, often] = [await trained(device), await trained(device)]
    await once.run('train', steps(3))
    for (let firstStep = 0; firstStep < 3; firstStep++) await often.run('train', steps(1, { firstStep }))
    t.deepEqual(await state(often), await state(once))
    await Promise.all([once.dispose(), often.dispose()])
  })

  test(`${device}: values come back in logical order`, async (t) => {
    const set = await tinyPrograms(device, { programs: ['infer'], input: { kind: 'tensor' } })
    const session = await openSession(set)
    const values = Float64Array.from({ length: BATCH * 3 * SIDE * SIDE }, (_, index) => index)
    await session.write('x', values)
    t.deepEqual(await session.read('x'), values)
    await session.dispose()
  })
}

test('bf16 rounds to the nearest, ties to even, and keeps what is not a number', async (t) => {
  const set = await tinyPrograms('cpu', { precision: 'bf16', programs: ['infer'], input: { kind: 'tensor' } })
  const session = await openSession(set)
  const given = [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -(1 + 2 ** -8), 3.4e38, NaN, Infinity, -0]
  const kept = [1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -1, Infinity, NaN, Infinity, -0]
  const values = new Float64Array(BATCH * 3 * SIDE * SIDE)
  values.set(given)
  await session.write('x', values)
  t.deepEqual(Array.from(await session.read('x')).slice(0, given.length), kept)
  await session.dispose()
})

test('evaluation collects predictions and labels of every step', async (t) => {
  const session = await trained('reference')
  const { rows, predictions, labels } = await session.run('evaluate', steps(2, { collect: true }))
  t.is(predictions?.length, 2 * BATCH)
  t.deepEqual([...labels!], [0, 1, 2, 0, 0, 1, 2, 0])
  t.is(rows[2], [...predictions!].slice(0, BATCH).filter((prediction, index) => prediction === labels![index]).length)
  t.is((await session.read('probabilities')).length, BATCH * CLASSES)
  await session.dispose()
})

test('a view is the memory itself until the session is disposed', async (t) => {
  const session = await trained('reference')
  const { values, shared } = session.view('head.fc.bias')
  t.true(shared)
  values.set([1, 2, 3])
  t.deepEqual([...(await session.read('head.fc.bias'))], [1, 2, 3])
  await session.write('head.fc.bias', Float64Array.of(4, 5, 6))
  t.deepEqual([...values], [4, 5, 6])
  t.is(session.view('stem.weight').values.buffer, values.buffer, 'one buffer an arena')
  try {
    structuredClone(values.buffer, { transfer: [values.buffer as ArrayBuffer] })
  } catch {
    // Newer Node refuses, older Node copies.
  }
  t.is(values.length, 3, 'the memory is not given away')
  await session.dispose()
  t.is(values.length, 0)
})

test.serial('where buffers over native memory are forbidden a view is a copy and says so', async (t) => {
  const session = await trained('reference')
  process.env['PRERESNET_NO_EXTERNAL_BUFFERS'] = '1'
  try {
    const { values, shared } = session.view('head.fc.bias')
    t.false(shared)
    t.deepEqual([...values], [...(await session.read('head.fc.bias'))])
    values.fill(9)
    t.notDeepEqual([...(await session.read('head.fc.bias'))], [9, 9, 9])
  } finally {
    delete process.env['PRERESNET_NO_EXTERNAL_BUFFERS']
  }
  await session.dispose()
})

test('gradients that share memory with activations are there from a training step to the next run', async (t) => {
  const set = await tinyPrograms('cpu')
  t.true(set.gradientsAt! >= 0)
  const session = await openSession(set)
  await fill(session)
  const gone = /gradient\/head\.fc\.bias: expected a completed training step as the last run/
  await rejected(t, session.read('gradient/head.fc.bias'), 'ERR_PARAMETER', gone)
  await session.run('train', steps(1))
  const gradient = await session.read('gradient/head.fc.bias')
  t.true(gradient.some((value) => value !== 0))
  const { values, shared } = session.view('gradient/head.fc.bias')
  t.false(shared, 'a copy: the memory has other uses')
  t.deepEqual(Float64Array.from(values), gradient)
  await session.run('evaluate', steps(1))
  await rejected(t, session.read('gradient/head.fc.bias'), 'ERR_PARAMETER', gone)
  t.throws(() => session.view('gradient/head.fc.bias'), { message: gone })
  await rejected(t, session.write('gradient/head.fc.bias', gradient), 'ERR_PARAMETER', gone)
  await session.dispose()
})

test('a gradient that is not finite, with a loss that is; what the step left is no gradient', async (t) => {
  const session = await openSession(await tinyPrograms('cpu'), 2)
  await fill(session)
  await session.run('train', steps(1, { checkFinite: true }))
  await t.notThrowsAsync(session.read('gradient/head.fc.bias'))
  const constant = async (name: string, value: number): Promise<void> => session.write(name, (await session.read(name)).fill(value))
  // A stream of some 1e-30, which the last norm lifts to 1 again, and its gradient with it to some 1e27; conv2 adds nothing, but reads 1e12.
  const stem = (await session.read('stem.weight')) as Float64Array
  await session.write(
    'stem.weight',
    stem.map((value) => value * 1e-30),
  )
  await constant('unit.norm2.bias', 1e12)
  await constant('unit.conv2.weight', 0)
  await constant('norm.weight', 1e28)
  await rejected(
    t,
    session.run('train', steps(1, { checkFinite: true })),
    'ERR_NOT_FINITE',
    /a gradient is not finite; first made by .*conv_backward unit\.conv2/,
  )
  await rejected(t, session.read('gradient/head.fc.bias'), 'ERR_PARAMETER', /expected a completed training step .*, got none, or one that failed/)
  await session.dispose()
})

test('what cannot be viewed, read or written', async (t) => {
  const session = await trained('reference')
  t.throws(() => session.view('labels'), { message: /inputs are written, not viewed/ })
  t.throws(() => session.view('predictions'), { message: /expected a plain f32 or f64 tensor/ })
  await rejected(t, session.read('nothing'), 'ERR_PARAMETER', /no tensor named "nothing"/)
  await rejected(t, session.read('stem:y'), 'ERR_PARAMETER', /keeps its contents/)
  await rejected(t, session.write('head.fc.bias', new Float64Array(2)), 'ERR_PARAMETER', /expected 3 values, got 2/)
  await rejected(t, session.write('head.fc.bias', new Int32Array(3)), 'ERR_PARAMETER', /expected Float64Array or Float32Array/)
  await rejected(t, session.write('labels', new Float64Array(BATCH)), 'ERR_PARAMETER', /expected Int32Array/)
  await session.dispose()
})

test('options of a run that do not fit', async (t) => {
  const session = await trained('reference')
  await rejected(t, session.run('play', steps(1)), 'ERR_OPTION', /no program named "play"/)
  await rejected(t, session.run('train', { ...steps(2), learningRates: new Float64Array(1) }), 'ERR_OPTION', /expected one a step \(2\), got 1/)
  await rejected(t, session.run('train', steps(0.5)), 'ERR_OPTION', /run.steps: expected an integer/)
  await rejected(t, session.run('train', { ...steps(1), loader: {} as never }), 'ERR_OPTION', /expected a loader/)
  await session.dispose()
})

test('labels and placements outside their range are refused before anything is read', async (t) => {
  const session = await trained('reference')
  const before = await state(session)
  for (const label of [-2, CLASSES, 2 ** 31 - 1]) {
    await session.write('labels', Int32Array.of(0, label, 1, 2))
    await rejected(t, session.run('train', steps(1)), 'ERR_DATASET', /label of image 1: expected -1 to 2/)
  }
  await session.write('labels', Int32Array.of(0, -1, 1, 2))
  for (const position of [
    [3, 0, 0],
    [0, -1, 0],
    [0, 0, 2],
  ]) {
    await session.write('crops', Int32Array.from([0, 0, 0, 0, 0, 0, ...position, 0, 0, 0]))
    await rejected(t, session.run('train', steps(1)), 'ERR_DATASET', /crops of image 2: expected 0 to/)
  }
  t.deepEqual(await state(session), before)
  await session.dispose()
})

test('a loss that is not finite names the first operation and leaves everything as it was', async (t) => {
  const session = await trained('reference')
  const weights = (await session.read('unit.conv1.weight')) as Float64Array
  await session.write(
    'unit.conv1.weight',
    weights.map(() => 1e200),
  )
  const before = await state(session)
  await rejected(
    t,
    session.run('train', steps(1, { checkFinite: true, firstStep: 41 })),
    'ERR_NOT_FINITE',
    /^step 41: the loss is not finite; first made by operation 3 conv unit\.conv1 in sums/,
  )
  t.deepEqual(await state(session), before)
  await session.write(
    'unit.conv1.weight',
    weights.map((value, index) => (index === 7 ? NaN : value)),
  )
  await rejected(
    t,
    session.run('train', steps(1, { checkFinite: true })),
    'ERR_NOT_FINITE',
    /operation 3 conv unit\.conv1, whose w \(unit\.conv1\.weight\) was not finite before/,
  )
  await session.dispose()
})

test('canceling ends the current and the queued runs and nothing after them', async (t) => {
  const session = await trained('reference')
  const runs = [session.run('train', steps(1_000_000)), session.run('train', steps(5))]
  await new Promise((resolve) => setTimeout(resolve, 20))
  session.cancel()
  const [current, queued] = await Promise.all(runs)
  t.true(current!.canceled)
  t.true(current!.completed < 1_000_000)
  t.is(current!.rows.length, 6 * current!.completed)
  t.true(queued!.canceled)
  t.is(queued!.completed, 0)
  // A step that was cut short left nothing behind: the state is that of the completed steps.
  const twin = await trained('reference')
  await twin.run('train', steps(current!.completed))
  t.deepEqual(await state(session), await state(twin))
  const after = await session.run('train', steps(1))
  t.false(after.canceled)
  t.is(after.completed, 1)
  await Promise.all([session.dispose(), twin.dispose()])
})

test('a trace holds every operation in order', async (t) => {
  const set = await tinyPrograms()
  const session = await openSession(set)
  await fill(session)
  await session.run('train', steps(2, { trace: true }))
  const events = session.trace()
  const names = set.programs['train']!.operations.map(({ op, name }) => `${op} ${name}`)
  t.deepEqual(
    events.map(({ op, name }) => `${op} ${name}`),
    [...names, ...names],
  )
  t.true(events.every(({ start, duration }, index) => duration >= 0 && (index === 0 || start >= events[index - 1]!.start)))
  await session.dispose()
})

test('dispose ends a run, can be called twice, and ends every use', async (t) => {
  const session = await trained('reference')
  const run = session.run('train', steps(1_000_000))
  await Promise.all([session.dispose(), session.dispose()])
  t.true((await run).canceled)
  await session.dispose()
  await rejected(t, session.read('stem.weight'), 'ERR_DISPOSED', /disposed/)
  await rejected(t, session.run('train', steps(1)), 'ERR_DISPOSED', /disposed/)
  t.throws(() => session.view('stem.weight'), { message: /disposed/ })
})

test('more memory than there is', async (t) => {
  const set = structuredClone(await tinyPrograms())
  Object.assign(set.arenas, { outputs: 2 ** 50 })
  await rejected(t, openSession(set), 'ERR_MEMORY', /expected at most \d+ MiB .* got a program that needs 1073741\d+ MiB/)
})

test('a native error has the stack of the call that made it', async (t) => {
  const session = await trained('reference')
  async function whoAsks(): Promise<unknown> {
    return session.read('nothing')
  }
  const error = await t.throwsAsync<PreresnetError>(whoAsks())
  t.is(error.name, 'PreresnetError')
  t.regex(error.stack!, /^PreresnetError \[ERR_PARAMETER\]: no tensor named "nothing"\n\s+at .*whoAsks/)
  await session.dispose()
})
