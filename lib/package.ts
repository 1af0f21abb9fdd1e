/** The package that this code is a part of. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { PreresnetError } from './errors.js'

interface Package {
  readonly folder: string
  readonly version: string
}

let found: Package | undefined

/** ERR_BINDING in a bundle, where there is no folder of the package. */
export function packageFolder(): string {
  return thisPackage().folder
}

export function packageVersion(): string {
  return thisPackage().version
}

/** The same; undefined in a bundle. */
export function knownPackageVersion(): string | undefined {
  return (found ??= search())?.version
}

/** In a CommonJS bundle, where `import.meta` is an empty object, of the bundle's file. */
export function moduleUrl(): string | undefined {
  const { url } = import.meta as { readonly url?: string }
  return url ?? (typeof __filename === 'string' ? pathToFileURL(__filename).href : undefined)
}

function thisPackage(): Package {
  found ??= search()
  if (found !== undefined) return found
  const url = moduleUrl()
  const where = url === undefined ? 'this code is in a CommonJS bundle' : `no package.json of preresnet above ${dirname(fileURLToPath(url))}`
  throw new PreresnetError(
    'ERR_BINDING',
    `${where}, so the native addon cannot be found from here: name it in the environment, PRERESNET_BINDING=/path/to/build/Release/preresnet.node, or leave preresnet out of the bundle`,
  )
}

/** The nearest folder upwards that is preresnet's: sources and compiled files lie at different depths. */
function search(): Package | undefined {
  const url = moduleUrl()
  if (url === undefined) return undefined
  for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version: string }
      if (name === 'preresnet') return { folder, version }
    }
    if (folder === dirname(folder)) return undefined
  }
}
