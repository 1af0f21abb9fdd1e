// What is tried: each cell is a row of the table in docs/install.md. `run` throws where the cell fails; what it returns stands in the row.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../../support/run.mjs'
import { filesUnder } from '../../support/stamp.mjs'
import { bundleCells } from './bundles.mjs'
import { nodeOf, tool, toolName } from './tools.mjs'

const NODE22 = () => nodeOf(22)
const npm = (project, version, words, options) => project.run(version === 'npm12' ? NODE22() : process.execPath, [tool(version), ...words], options)
/** One project for all cells that leave it as it is. */
const installed = (context) =>
  context.shared(() => {
    const project = context.project()
    npm(project, 'npm12', ['install', 'preresnet'])
    return project
  })

const managers = [
  ...['npm10', 'npm11', 'npm12'].map((name) => ({
    name: `${toolName(name)}, \`npm install preresnet\``,
    short: name === 'npm12',
    run(context) {
      const project = context.project()
      npm(project, name, ['install', 'preresnet'])
      const node = name === 'npm12' ? NODE22() : process.execPath
      project.smoke(node)
      return `${countPackages(project, name)} packages, ${unpackedSize(project)} MB unpacked`
    },
  })),
  {
    name: `${toolName('pnpm')}, \`pnpm add preresnet\``,
    run(context) {
      const project = context.project()
      project.run(NODE22(), [tool('pnpm'), 'add', 'preresnet'])
      project.smoke()
    },
  },
  {
    name: `${toolName('yarn1')}, \`yarn add preresnet\``,
    run(context) {
      const project = context.project()
      project.run(process.execPath, [tool('yarn1'), 'add', 'preresnet', '--non-interactive'])
      project.smoke()
    },
  },
  {
    name: `Yarn ${toolName('yarn4').split(' ')[1]} with \`nodeLinker: node-modules\`, \`yarn add preresnet\``,
    run(context) {
      const project = context.project()
      writeFileSync(join(project.folder, 'yarn.lock'), '')
      project.run(process.execPath, [tool('yarn4'), 'add', 'preresnet'])
      project.smoke()
    },
  },
]

const lockfiles = [
  {
    name: '`npm ci` from a lockfile made for macOS on arm64',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--package-lock-only', '--os=darwin', '--cpu=arm64'])
      npm(project, 'npm12', ['ci'])
      project.smoke()
    },
  },
  {
    name: '`npm ci` from a lockfile that lacks the package of the platform (npm/cli#4828)',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--package-lock-only'])
      const file = join(project.folder, 'package-lock.json')
      const lock = JSON.parse(readFileSync(file, 'utf8'))
      for (const path of Object.keys(lock.packages)) if (path.includes('@preresnet/')) delete lock.packages[path]
      writeFileSync(file, JSON.stringify(lock))
      const said = npm(project, 'npm12', ['ci'], { status: 1 })
      if (!said.includes('Missing: @preresnet/linux-')) throw new Stop(`expected npm to say what the lockfile lacks, got ${said}`)
      npm(project, 'npm12', ['install'])
      project.smoke()
      return 'npm refuses it and says what it lacks; `npm install` mends it'
    },
  },
]

const settings = [
  {
    name: '`npm install --ignore-scripts`',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--ignore-scripts'])
      project.smoke()
    },
  },
  {
    name: '`npm install --omit=optional`',
    short: true,
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--omit=optional'])
      return mended(project)
    },
  },
  {
    name: 'a folder that cannot be written, another user',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet'])
      chmodSync(project.parent, 0o555)
      project.run('chmod', ['-R', 'a-w,a+rX', project.folder])
      const options = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
      project.smoke(process.execPath, options)
      project.run('chmod', ['-R', 'u+w', project.parent])
      return process.getuid?.() === 0 ? undefined : 'the same user, without the right to write'
    },
  },
  {
    name: 'a path with spaces and other letters',
    run(context) {
      const project = context.project('a folder, né')
      npm(project, 'npm12', ['install', 'preresnet'])
      project.smoke()
    },
  },
  {
    name: 'installed for macOS on arm64 (`--os=darwin --cpu=arm64`), types checked here',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--os=darwin', '--cpu=arm64'])
      context.checkTypes(project)
      return 'without the addon, which macOS has none of'
    },
  },
  {
    name: 'no packages but preresnet, `import` and `require()` of all entries, types under `strict` and `nodenext`',
    short: true,
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet'])
      context.checkTypes(project)
      for (const entry of ['preresnet', 'preresnet/types', 'preresnet/compiler', 'preresnet/formats']) {
        project.run(process.execPath, ['--input-type=module', '-e', `await import('${entry}')`])
        project.run(process.execPath, ['--no-warnings', '--input-type=commonjs', '-e', `require('${entry}')`])
      }
    },
  },
]

const nodes = [20, 22, 24, 26].map((major) => ({
  name: `Node ${major}`,
  run(context) {
    const project = installed(context)
    const node = nodeOf(major)
    project.smoke(node)
    return project.run(node, ['--version']).trim()
  },
}))

const CLI = 'node_modules/preresnet/dist/lib/cli/main.js'

const devices = [
  {
    name: 'device `cuda`: `doctor` and ERR_DEVICE name its package, and the command that they print adds it',
    archive: 'preresnet-cuda-linux-x64',
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet'])
      const report = () => JSON.parse(project.run(process.execPath, [CLI, 'doctor', '--json'])).cuda
      const refused = project.run(process.execPath, [CLI, 'bench', 'train', 'preresnet-20', '--device', 'cuda'], { status: 1 })
      const [words, ofDoctor] = [refused, report().problem].map((text) => /npm (install \S+ \S+) adds it/.exec(text)?.[1])
      if (!refused.includes('ERR_DEVICE') || words === undefined || words !== ofDoctor) throw new Stop(`expected ERR_DEVICE with a command, got ${refused}`)
      npm(project, 'npm12', words.split(' '))
      const { library, problem } = report()
      if (library === undefined) throw new Stop(`expected doctor to show the library of device cuda, got ${problem}`)
      return `loads, for compute capabilities ${library.architectures}; ${problem === '' ? 'a GPU is there' : 'no GPU was there'}`
    },
  },
]

const linters = [
  {
    name: toolName('publint'),
    run({ archives, project }) {
      for (const file of archives) project().run(process.execPath, [tool('publint'), '--strict', file])
    },
  },
  {
    name: `${toolName('attw')}, profile esm-only`,
    run({ library, project }) {
      project().run(process.execPath, [tool('attw'), '--profile', 'esm-only', library])
      return '`require()` loads the modules (Node 20.19), so its types are those of `import`'
    },
  },
]

const builds = [
  {
    name: '`npx preresnet build` in the installed package, by the commands that it prints',
    slow: true,
    run(context) {
      const project = context.project()
      npm(project, 'npm12', ['install', 'preresnet', '--omit=optional'])
      const said = project.run(process.execPath, [CLI, 'build'], { status: 1 })
      const [, words] = /Run: npm (install --save-dev .*)/.exec(said) ?? []
      if (words === undefined) throw new Stop(`expected a command, got ${said}`)
      npm(project, 'npm12', words.replaceAll('"', '').split(' '))
      project.run(process.execPath, [CLI, 'build'])
      project.smoke()
    },
  },
]

export const cells = [...managers, ...lockfiles, ...settings, ...nodes, ...bundleCells(installed), ...devices, ...linters, ...builds]

/** The error's own command for npm brings what is missing. */
function mended(project) {
  const said = project.refusal()
  const [, words] = /ERR_BINDING[\s\S]*one of: npm (install [^|]*) \|/.exec(said) ?? []
  if (words === undefined) throw new Stop(`expected ERR_BINDING with a command, got ${said}`)
  npm(project, 'npm12', words.trim().split(' '))
  project.smoke()
  return `ERR_BINDING; then its command \`npm ${words.trim()}\``
}

function countPackages(project, version) {
  const { dependencies } = JSON.parse(npm(project, version, ['ls', '--all', '--json']))
  const names = new Set()
  const visit = (all = {}) => {
    for (const [name, { version: found, dependencies: inner }] of Object.entries(all)) {
      if (found !== undefined) names.add(name)
      visit(inner)
    }
  }
  visit(dependencies)
  if (names.size !== 2) throw new Stop(`expected 2 packages, got ${[...names].join(', ')}`)
  return names.size
}

function unpackedSize(project) {
  const bytes = filesUnder(project.folder, 'node_modules').reduce((sum, file) => sum + readFileSync(join(project.folder, file)).length, 0)
  if (bytes > 120e6) throw new Stop(`expected less than 120 MB, got ${(bytes / 1e6).toFixed(1)} MB`)
  return (bytes / 1e6).toFixed(1)
}
