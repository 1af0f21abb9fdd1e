/** Test programs of test/native: a seed and names of cases in, a line of JSON a case out. They lie beside the addon. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'

export interface Outcome {
  readonly name: string
  /** null: not a number. */
  readonly result?: number | null
  readonly code?: string
  readonly message?: string
}

/** Throws where the program ends with another status than 0. */
export function nativeProgram(program: string): (seed: number, ...names: string[]) => Outcome[] {
  const path = join(dirname(process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node'), program)
  return (seed, ...names) => {
    const { stdout, stderr, status, error } = spawnSync(path, [String(seed), ...names], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${names.join(' ')}: status ${status}: ${error?.message ?? stderr}`)
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome)
  }
}
