/** What happens when whoever reads our output has gone, or the disk that takes it is full. */
import { constants } from 'node:os'
import { fileError } from '../formats/files.js'
import { report } from './failure.js'

/** What a shell shows of a process that SIGPIPE ended, as it ends other programs whose reader has gone. */
const closedPipeStatus = 128 + constants.signals.SIGPIPE

export function watchStreams(): void {
  // Results are written last, so nothing is lost with what would have come after.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? closedPipeStatus : report(fileError('could not write', 'standard output', error)))
  })
  // For a person's eyes: that nobody sees it any more is no reason to end a training.
  process.stderr.on('error', () => undefined)
}
