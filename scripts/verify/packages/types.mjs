// The types of the installed package: those that its entries lead to, and a strict program that names something of every entry.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../../support/run.mjs'
import { declarations, innerWords, reachableTypes } from '../../support/shipped_types.mjs'

const PROGRAM = `
import { compile, digits, loader, preResNet, sgd, type FitOptions, type Session } from 'preresnet'
import type { CosineOptions, StepsOptions } from 'preresnet/types'
import { buildGraph, planReport, type ProgramSet } from 'preresnet/compiler'
import { readSafetensors } from 'preresnet/formats'
const batches = loader((await digits()).train, { batch: 8 })
export const session: Session = await compile(preResNet('preresnet-20'), { data: batches, optimizer: sgd() })
export type Seen = [FitOptions, CosineOptions, StepsOptions, ProgramSet, typeof buildGraph, typeof planReport, typeof readSafetensors]
`

export function checkTypes(root, project) {
  const home = join(project.folder, 'node_modules/preresnet')
  const reachable = new Set(reachableTypes(home))
  const others = declarations(home).filter((file) => !reachable.has(file))
  if (others.length > 0) throw new Stop(`expected only types that an entry leads to, got ${others.join(', ')}`)
  const inner = innerWords(home)
  if (inner.length > 0) throw new Stop(`expected public types alone, got:\n${inner.join('\n')}`)
  writeFileSync(join(project.folder, 'user.mts'), PROGRAM)
  const flags = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,esnext.disposable']
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  project.run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, ...types, 'user.mts'])
}
