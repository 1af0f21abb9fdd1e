/** What ranks say to each other, and what ends their waiting. */
import test from 'ava'
import { logs, threadsOf } from '../../lib/cli/ranks.js'
import { loadBinding } from '../../lib/native/load.js'
import { alone } from '../../lib/ranks/ranks.js'
import { preresnet } from '../cli/run.js'
import { allOf, together } from '../support/ranks.js'

test('one process alone', async (t) => {
  t.deepEqual(await alone.gather({ a: 1 }), [{ a: 1 }])
  t.is(await alone.same('a'), 'a')
  await alone.leave()
})

test('each gets what all give, or what rank 0 gives, in whatever order they come', async (t) => {
  const results = await allOf(
    3,
    async (ranks) => [
      await ranks.gather({ rank: ranks.rank, text: 'x'.repeat(10 ** ranks.rank) }),
      await ranks.same(ranks.rank === 0 ? undefined : 'not rank 0'),
      await ranks.same(['ü', ranks.rank]),
      await ranks.gather(ranks.rank === 1 ? undefined : ranks.rank),
    ],
    { seed: 3 },
  )
  const gathered = [0, 1, 2].map((rank) => ({ rank, text: 'x'.repeat(10 ** rank) }))
  for (const result of results) t.deepEqual(result, [gathered, undefined, ['ü', 0], [0, undefined, 2]])
})

test('ranks of one machine share its threads', async (t) => {
  const allowed = loadBinding().system['allowedThreads'] as number
  t.deepEqual(await allOf(2, threadsOf), Array(2).fill(Math.max(1, Math.floor(allowed / 2))))
})

test('what ends one rank ends the waiting of all others, which name it and its host', async (t) => {
  const results = await together(3, async (ranks) => {
    await ranks.same(0)
    if (ranks.rank === 1) throw new Error('disk full')
    return ranks.gather(0)
  })
  for (const [rank, result] of results.entries()) {
    if (result.status === 'fulfilled') return t.fail()
    const reason = result.reason as { code?: string; message: string }
    if (rank === 1) t.is(reason.message, 'disk full')
    else {
      t.is(reason.code, 'ERR_RANK')
      t.regex(reason.message, /^rank 1 of 3 \(.+, process \d+\): disk full$/)
    }
  }
})

test('a rank that stands still is named with what it did', async (t) => {
  for (const still of [0, 2]) {
    const results = await together(
      3,
      async (ranks) => {
        ranks.doing('validation of step 14')
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        for (let index = 0; index < 10; index++) await ranks.gather(index)
      },
      { silence: 1_500, stops: { rank: still, after: 5 } },
    )
    results.forEach((result, rank) => {
      if (result.status === 'fulfilled') return t.fail()
      const { code, message } = result.reason as { code: string; message: string }
      t.is(code, 'ERR_RANK')
      if (rank !== still)
        t.regex(message, new RegExp(`rank ${still} of 3 has said nothing for 1.5 s: .*; it last was on .+, process \\d+: validation of step 14`))
    })
  }
})

test('a rank whose engine fails between two exchanges says so at the second, and the others miss it', async (t) => {
  const results = await together(
    3,
    async (ranks) => {
      await ranks.gather(0)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await ranks.gather(1)
    },
    { silence: 1_500, cutOff: { rank: 1, after: 2 } },
  )
  results.forEach((result, rank) => {
    const { code, message } = (result as PromiseRejectedResult).reason as { code: string; message: string }
    t.is(code, 'ERR_RANK')
    t.regex(message, rank === 1 ? /^rank 1 of 3 \(.+\): the emulated engine is cut off$/ : /rank 1 of 3 has said nothing for 1.5 s/)
  })
})

test('who has left exchanges nothing more', async (t) => {
  const [first] = await allOf(2, (ranks) => Promise.resolve(ranks))
  await t.throwsAsync(first!.gather(0), { code: 'ERR_DISPOSED', message: /the ranks have ended their run/ })
  first!.fail(new Error('too late'))
  await first!.leave()
})

test('who waits for a rank that has ended its run is told', async (t) => {
  const [first, second] = await together(2, async (ranks) => (ranks.rank === 0 ? undefined : ranks.gather(0)))
  t.is(second!.status, 'rejected')
  t.regex(String((second as PromiseRejectedResult).reason), /waits for ranks of which some have ended their run/)
  t.is(first!.status, 'rejected')
})

test('who prints its progress: rank 0, or those who are named; one that is not there is refused', async (t) => {
  const shown = (logRank: readonly number[]) => allOf(3, async (ranks) => logs(ranks, { logRank }))
  t.deepEqual(await shown([0]), [true, false, false])
  t.deepEqual(await shown([2, 1]), [false, true, true])
  await t.throwsAsync(shown([3]), { message: /--log-rank: expected ranks from 0 to 2, got 3|rank \d of 3/ })
})

test('errors of a command that is no run are told at once by every process of srun', async (t) => {
  const srun = { SLURM_PROCID: '1', SLURM_NTASKS: '2', SLURM_LOCALID: '1', SLURM_STEP_ID: '0' }
  const { status, stderr } = await preresnet(['eval', '--nothing'], { env: srun })
  t.is(status, 2)
  t.is(stderr, "preresnet: ERR_OPTION: unknown option '--nothing'\n")
  const run = await preresnet(['train', '--nothing'], { env: srun })
  t.is(run.stderr, "preresnet: rank 1 of 2: ERR_OPTION: unknown option '--nothing'\n")
})
