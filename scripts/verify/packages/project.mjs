// A user's project in a temporary folder: what is run in it, and what the library must do there.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stop } from '../../support/run.mjs'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

/** Trains 20 steps on the digits, saves, and classifies a picture. */
const WORK = `
async function work({ Classifier, digits, fit, preResNet }) {
  const { train } = await digits()
  const network = preResNet({ family: 'cifar', depth: 8, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
  const trained = await fit(network, { train, batch: 64, steps: 20, learningRate: 0.05, precision: 'fp32', threads: 1 }).finished
  const file = require('node:path').join(require('node:os').tmpdir(), \`model-\${process.pid}.safetensors\`)
  await trained.save(file)
  const classifier = await Classifier.load(file)
  const [best] = await classifier.classify(require('node:fs').readFileSync(process.argv[2]))
  await classifier.dispose()
  require('node:fs').rmSync(file)
  if (trained.step !== 20 || !(best.probability > 0)) throw new Error('nothing was trained or classified')
  console.log('trained 20 steps, classified a picture')
}
`
const NAMES = '{ Classifier, digits, fit, preResNet }'
export const ESM = `import { createRequire } from 'node:module'\nimport ${NAMES} from 'preresnet'\nconst require = createRequire(import.meta.url)\n${WORK}\nawait work(${NAMES})\n`
export const COMMONJS = `const ${NAMES} = require('preresnet')\n${WORK}\nwork(${NAMES})\n`

export class Project {
  /** @param {{ registry: string, cache: string, name?: string }} settings `cache` is a folder that all projects share */
  constructor({ registry, cache, name = 'project' }) {
    this.parent = mkdtempSync(join(tmpdir(), 'preresnet-user-'))
    this.folder = join(this.parent, name)
    mkdirSync(this.folder)
    this.picture = join(this.parent, 'picture.jpg')
    cpSync(join(root, 'test/fixtures/gray.jpg'), this.picture)
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', private: true }))
    // pnpm does not read the registry from the environment.
    writeFileSync(join(this.folder, '.npmrc'), `registry=${registry}\n`)
    writeFileSync(join(this.folder, 'smoke.mjs'), ESM)
    writeFileSync(join(this.folder, 'smoke.cjs'), COMMONJS)
    this.env = environment(registry, cache, this.parent)
  }

  /** What a command prints on both streams; Stop where it ends otherwise than `status`. */
  run(command, args, { status: expected = 0, cwd = this.folder, ...options } = {}) {
    const env = { ...this.env, PATH: `${dirname(command)}${delimiter}${process.env.PATH}` }
    const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28, ...options })
    if (error !== undefined) throw new Stop(`cannot run ${command}: ${error.message}`)
    if (status !== expected) throw new Stop(`expected exit status ${expected}, got ${status}: ${args.join(' ')}\n${tail(stdout + stderr)}`)
    return stdout + stderr
  }

  /** The library as a user has it: `doctor` is green, a few steps are trained, a picture is classified, by import and by require(). */
  smoke(node = process.execPath, options = {}) {
    this.doctor(node, options)
    for (const file of ['smoke.mjs', 'smoke.cjs']) this.run(node, ['--no-warnings', file, this.picture], options)
  }

  doctor(node, options) {
    const text = this.run(node, ['node_modules/preresnet/dist/lib/cli/main.js', 'doctor', '--json'], options)
    if (JSON.parse(text).ok !== true) throw new Stop(`expected doctor to be content, got ${text}`)
  }

  /** What the library says where it has no addon. */
  refusal(node = process.execPath) {
    return this.run(node, ['--no-warnings', 'smoke.mjs', this.picture], { status: 1 })
  }
}

function environment(registry, cache, home) {
  const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|PRERESNET_BINDING$)/i.test(name)))
  const npm = { registry, cache: join(cache, 'npm'), audit: 'false', fund: 'false', update_notifier: 'false', loglevel: 'error' }
  const yarn = { YARN_REGISTRY: registry, YARN_NPM_REGISTRY_SERVER: registry, YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1', YARN_NODE_LINKER: 'node-modules' }
  return {
    ...rest,
    HOME: home,
    ...Object.fromEntries(Object.entries(npm).map(([name, value]) => [`npm_config_${name}`, value])),
    ...yarn,
    YARN_CACHE_FOLDER: join(cache, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  }
}

function tail(text) {
  return text.trimEnd().split('\n').slice(-15).join('\n')
}
