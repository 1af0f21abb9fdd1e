import { createRequire } from 'node:module'

/** Of package.json, which this package exports to itself. */
export const packageVersion: string = (createRequire(import.meta.url)('preresnet/package.json') as { version: string }).version
