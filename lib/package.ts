/** The package that this code is a part of. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PreresnetError } from './errors.js'

interface Package {
  readonly folder: string
  readonly version: string
}

let found: Package | undefined

export function packageFolder(): string {
  return thisPackage().folder
}

export function packageVersion(): string {
  return thisPackage().version
}

/** The nearest folder upwards that is preresnet's: sources and compiled files lie at different depths. */
function thisPackage(): Package {
  return (found ??= search(dirname(fileURLToPath(import.meta.url))))
}

function search(start: string): Package {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version: string }
      if (name === 'preresnet') return { folder, version }
    }
    if (folder === dirname(folder)) throw new PreresnetError('ERR_BINDING', `no package.json of preresnet above ${start}`)
  }
}
