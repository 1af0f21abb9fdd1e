// The fastest configuration of a row's opponent: one short run each, and one more for those within a tenth of the fastest.
import { configurationName, configurations } from '../rows.mjs'
import { Stop } from '../../scripts/support/run.mjs'
import { opposite, ours, run } from './sides.mjs'

/** Every configuration with its speed, or with the reason why it has none. slow: the names of those that are not tried. */
export async function search(row, settings, say, slow = new Set()) {
  const tried = []
  for (const configuration of configurations(row, settings.threads)) {
    if (slow.has(configurationName(configuration))) continue
    tried.push({ ...configuration, ...(await attemptOther(row, settings, configuration, say)) })
  }
  return tried
}

/** Of a search of the same work with fewer images: those that had less than six tenths of the fastest one's speed. */
export function slowOf(tried) {
  const fastest = best(tried).imagesPerSecond
  return new Set(tried.filter(({ imagesPerSecond = 0 }) => imagesPerSecond < 0.6 * fastest).map(configurationName))
}

/** The same, of those within a tenth of the fastest with the better of two runs. */
export async function tryAgain(row, settings, tried, say) {
  if (tried.length === 1) return tried
  const fastest = best(tried).imagesPerSecond
  for (const entry of tried.filter(({ imagesPerSecond }) => imagesPerSecond > 0.9 * fastest)) {
    const again = await attemptOther(row, settings, entry, say)
    if (again.imagesPerSecond > entry.imagesPerSecond) Object.assign(entry, again)
  }
  return tried
}

export function best(tried) {
  const able = tried.filter(({ imagesPerSecond }) => imagesPerSecond !== undefined)
  if (able.length === 0) throw new Stop(`the other side ran in no configuration: ${tried[0].failed}`)
  return able.reduce((a, b) => (b.imagesPerSecond > a.imagesPerSecond ? b : a))
}

/** One session on all threads, and one a thread, each with the better of two runs in turn; 0 images a second where it fails, as for want of memory. */
export async function searchSessions(row, settings, say) {
  const tried = [...new Set([1, settings.threads])].map((sessions) => ({ sessions, imagesPerSecond: 0 }))
  for (const entry of [...tried, ...tried]) {
    const { imagesPerSecond = 0 } = await attempt(ours(row, settings, entry.sessions), `ours, ${entry.sessions} at a time`, settings, say)
    entry.imagesPerSecond = Math.max(entry.imagesPerSecond, imagesPerSecond)
  }
  return tried
}

const attemptOther = (row, settings, configuration, say) => attempt(opposite(row, settings, configuration), configurationName(configuration), settings, say)

async function attempt(side, name, settings, say) {
  try {
    const { median, peakBytes, versions } = await settings.clock.within(() => run(side, settings))
    say(`${name}: ${median.toFixed(2)} images/s`)
    return { imagesPerSecond: median, peakBytes, versions }
  } catch (error) {
    if (!(error instanceof Stop) || error.timeIsUp) throw error
    say(`${name}: ${error.message}`)
    return { failed: error.message }
  }
}
