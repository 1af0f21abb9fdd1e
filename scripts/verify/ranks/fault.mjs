// Loaded into a rank before preresnet (node --import), so that it fails at a moment that was drawn: PRERESNET_FAULT is JSON of the rank, the phase, how often that phase
// comes before, milliseconds after its beginning, what happens, and a file that gets the time at which it did.
import { writeFileSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const { rank, phase, times, delay, kind, marker, folder } = JSON.parse(process.env.PRERESNET_FAULT)
const own = Number(process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK)

let poisoned = false
const faults = {
  SIGKILL: () => process.kill(process.pid, 'SIGKILL'),
  SIGSTOP: () => process.kill(process.pid, 'SIGSTOP'),
  NaN: () => (poisoned = true),
  // Whoever looks at the marker cuts it.
  link: () => undefined,
  disk: () => {
    const file = openSync(join(folder, 'filler'), 'w')
    const piece = Buffer.alloc(1 << 16)
    try {
      for (;;) writeSync(file, piece)
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error
    }
  },
}

function fail() {
  writeFileSync(marker, String(Date.now()))
  faults[kind]()
}

const begun = performance.now()
let seen = 0
/** A phase begins. */
function entered(name) {
  if (name !== phase || seen++ !== times) return
  if (delay === 0) fail()
  else setTimeout(fail, delay)
}

if (own === rank) {
  const { Binding } = await import('../../../dist/lib/native/calls.js')
  // Before and while the ranks join.
  if (phase === 'start') setTimeout(fail, Math.max(0, delay - (performance.now() - begun)))
  const { openRanks, createSession } = Binding.prototype
  Binding.prototype.openRanks = async function (description) {
    const ranks = await openRanks.call(this, description)
    const { doing, leave } = ranks
    ranks.doing = (what) => {
      doing.call(ranks, what)
      entered(/^steps? /.test(what) ? 'step' : /^validation/.test(what) ? 'validation' : /^checkpoint/.test(what) ? 'save' : what)
    }
    ranks.leave = () => {
      entered('end')
      return leave.call(ranks)
    }
    entered('joined')
    return ranks
  }
  Binding.prototype.createSession = async function (...given) {
    const session = await createSession.apply(this, given)
    const { run } = session
    session.run = async (program, options) => {
      if (poisoned) {
        const name = JSON.parse(given[0]).tensors.find(({ arena }) => arena === 'parameters').name
        const { values } = session.view(name)
        values.fill(NaN)
      }
      return run.call(session, program, options)
    }
    return session
  }
}
