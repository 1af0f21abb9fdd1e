// Package managers and versions of Node, each installed once into the user's cache folder.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder, keptFolder } from '../../support/cache.mjs'
import { run } from '../../support/run.mjs'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

/** Versions as npm writes them. */
export const TOOLS = {
  npm10: { package: 'npm', version: '10.9.4', file: 'bin/npm-cli.js' },
  npm11: { package: 'npm', version: '11.19.1', file: 'bin/npm-cli.js' },
  npm12: { package: 'npm', version: '12.2.0', file: 'bin/npm-cli.js' },
  pnpm: { package: 'pnpm', version: '12.4.2', file: 'bin/pnpm.mjs' },
  yarn1: { package: 'yarn', version: '1.22.22', file: 'bin/yarn.js' },
  yarn4: { package: '@yarnpkg/cli-dist', version: '4.10.3', file: 'bin/yarn.js' },
  esbuild: { package: 'esbuild', version: '0.28.2', file: 'lib/main.js' },
  vite: { package: 'vite', version: '8.3.8', file: 'bin/vite.js' },
  nft: { package: '@vercel/nft', version: '1.11.5', file: 'out/index.js' },
  publint: { package: 'publint', version: '0.3.25', file: 'src/cli.js' },
  attw: { package: '@arethetypeswrong/cli', version: '0.18.5', file: 'dist/index.js' },
}

/** The main file of a tool. */
export function tool(name) {
  const { package: packageName, version, file } = TOOLS[name]
  return join(installed(packageName, version), 'node_modules', packageName, file)
}

export function toolName(name) {
  return `${TOOLS[name].package} ${TOOLS[name].version}`
}

const NODES = { 20: '20.20.2', 22: '22.23.0', 24: '24.15.0', 26: '26.10.0' }

/** The program of a major version of Node; this process's own where it is that one. */
export function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const name = `node-linux-${process.arch}`
  return join(installed(name, NODES[major]), 'node_modules', name, 'bin/node')
}

function installed(name, version) {
  const folder = join(cacheFolder(root), 'tools', `${name.replace('/', '-')}-${version}`)
  return keptFolder(folder, (partial) => {
    console.log(`Installing ${name} ${version} into ${folder}`)
    writeFileSync(join(partial, 'package.json'), '{ "private": true }')
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error', `${name}@${version}`], { cwd: partial })
  })
}
