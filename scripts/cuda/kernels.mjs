// What ptxas said of every kernel for every architecture, from the files that compile.mjs leaves.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesUnder } from '../support/stamp.mjs'
import { Stop } from '../support/run.mjs'

/**
 * Entries {file, kernel, architecture, registers, shared, stack, spills} of the built library: bytes but for registers. Stop where a file of
 * `sources` (kernels/NAME.cu) has left nothing, or says nothing of one of its architectures.
 */
export function kernelsOf(folder, sources, architectures) {
  const left = filesUnder(folder, '.').filter((file) => file.endsWith('.cu.o.ptxas'))
  return sources.flatMap((source) => {
    const file = left.find((path) => path.endsWith(`/${source}.o.ptxas`))
    if (file === undefined) throw new Stop(`expected what ptxas says of ${source}, got nothing: remove build/cuda and build again`)
    const kernels = parse(readFileSync(join(folder, file), 'utf8')).map((kernel) => ({ file: source, ...kernel }))
    const missing = architectures.filter((architecture) => !kernels.some((kernel) => kernel.architecture === architecture))
    if (missing.length > 0) throw new Stop(`expected kernels of ${source} for ${architectures.join(', ')}, got none for ${missing.join(', ')}`)
    return kernels
  })
}

/** "Compiling entry function 'NAME' for 'sm_90a'", then its stack and spills, then its registers. */
export function parse(text) {
  const kernels = []
  for (const line of text.split('\n')) {
    const entry = /Compiling entry function '([^']+)' for 'sm_([^']+)'/.exec(line)
    if (entry !== null) kernels.push({ kernel: entry[1], architecture: entry[2], registers: undefined, shared: 0, stack: undefined, spills: undefined })
    const kernel = kernels.at(-1)
    if (kernel === undefined) continue
    const stack = /(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line)
    // Functions that were not inlined follow their kernel; their spills are its.
    if (stack !== null) {
      kernel.stack = (kernel.stack ?? 0) + Number(stack[1])
      kernel.spills = (kernel.spills ?? 0) + Number(stack[2]) + Number(stack[3])
    }
    const used = /Used (\d+) registers/.exec(line)
    if (used !== null) {
      kernel.registers = Number(used[1])
      kernel.shared = Number(/(\d+) bytes smem/.exec(line)?.[1] ?? 0)
    }
  }
  const unsaid = kernels.filter(({ registers, spills }) => registers === undefined || spills === undefined)
  if (unsaid.length > 0) throw new Stop(`expected registers and spills of every kernel, got none of ${unsaid[0].kernel}`)
  return kernels
}
