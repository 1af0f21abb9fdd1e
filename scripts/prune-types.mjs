// Before the package is packed: types that no entry leads to are removed from dist/lib. The next build writes them again.
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { declarations, reachableTypes } from './support/shipped_types.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const kept = new Set(reachableTypes(root))
for (const file of declarations(root)) if (!kept.has(file)) rmSync(join(root, file))
