#!/usr/bin/env node
/** The command line. Nothing but this room prints, installs signal handlers or sets the exit status. */
import { report } from './failure.js'
import { commandLine } from './program.js'
import { watchStreams } from './streams.js'

watchStreams()
// The status is set and not forced: what is written to a pipe still arrives.
commandLine(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.exitCode = report(error)
  },
)
