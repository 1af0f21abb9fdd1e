// Mutation test: breaks one line at a time in a copy of the repository and expects the test suite to notice. A fault that no test
// notices is a hole in the tests; the exit status is then 1.
//   npm run mutants [-- NAME...]
//   npm run mutants -- --check     only that each fault's text still stands where the list says
// Each fault names the tests that ought to catch it; these run first, and the whole suite only if they pass.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { MUTANTS } from './mutants/list.mjs'
import { main, output, run, Stop } from './support/run.mjs'
import { testFiles } from './support/tests.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const LIMIT = 15 * 60 * 1000 // a suite that hangs has noticed
/** Whether the native build still has the last fault. The next build takes it out as well, which saves one build for each fault. */
let faultyBuild = false

await main('mutants', () => {
  const { values, positionals: names } = parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true })
  for (const name of names) if (!MUTANTS.some((mutant) => mutant.name === name)) throw new Stop(`no mutant is called ${JSON.stringify(name)}`)
  const wanted = names.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => names.includes(name))
  wanted.forEach(checkMutant)
  if (values.check) return
  const chosen = wanted.filter(runsHere)

  const copy = mkdtempSync(join(tmpdir(), 'preresnet-mutants-'))
  try {
    prepare(copy)
    const survivors = chosen.filter((mutant, index) => {
      const caughtBy = trial(copy, mutant)
      console.log(
        `${String(index + 1).padStart(3)}/${chosen.length} ${caughtBy === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name}${caughtBy === undefined ? '' : `: ${caughtBy}`}`,
      )
      return caughtBy === undefined
    })
    console.log(`${chosen.length - survivors.length} of ${chosen.length} mutants caught`)
    if (survivors.length > 0) throw new Stop(`survived: ${survivors.map(({ name }) => name).join(', ')}`)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
})

/** Whether this processor runs the faulty code at all; says so where it does not. */
function runsHere({ name, needs }) {
  const here = needs === undefined || readFileSync('/proc/cpuinfo', 'utf8').includes(needs)
  if (!here) console.log(`left out, since this processor has no ${needs}: ${name}`)
  return here
}

/** The search text must stand in the file exactly once, or the fault is not where the list says. */
function checkMutant({ name, file, search, replace }) {
  const count = readFileSync(join(root, file), 'utf8').split(search).length - 1
  if (count !== 1) throw new Stop(`${name}: expected the search text once in ${file}, found it ${count} times`)
  if (search === replace) throw new Stop(`${name}: replaces a text by itself`)
}

/** A copy with builds of its own, in which the whole suite passes. */
function prepare(copy) {
  const files = output('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root })
  if (files === undefined) throw new Stop('git ls-files failed; the mutants need a git checkout')
  for (const file of new Set(files.split('\0').filter((name) => name !== ''))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    copyFileSync(join(root, file), join(copy, file))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  run(process.execPath, ['scripts/setup.mjs'], { cwd: copy })
  console.log('The suite without faults')
  const failure = suite(copy, [])
  if (failure !== undefined) throw new Stop(`the suite fails without any fault: ${failure}`)
}

/** Puts the fault in, builds, runs tests, takes it out. Returns what caught it, or undefined. */
function trial(copy, { name, file, search, replace, tests }) {
  const path = join(copy, file)
  const original = readFileSync(path, 'utf8')
  try {
    writeFileSync(
      path,
      original.replace(search, () => replace),
    )
    build(copy, file, name)
    return (tests.length > 0 ? suite(copy, expand(copy, tests)) : undefined) ?? suite(copy, [])
  } finally {
    writeFileSync(path, original)
    if (isNative(file)) faultyBuild = true
    else compile(copy, file)
  }
}

function isNative(file) {
  return !file.endsWith('.ts')
}

function build(copy, file, name) {
  if (isNative(file) || faultyBuild) {
    const { status, stdout, stderr } = spawnSync('cmake', ['--build', 'build'], { cwd: copy, encoding: 'utf8' })
    if (status !== 0) throw new Stop(`${name}: does not build\n${stdout}${stderr}`)
    faultyBuild = false
  }
  if (!isNative(file)) compile(copy, file)
}

/** Types aside: a fault that only the type checker sees says nothing about the tests. */
function compile(copy, file) {
  const { outputText } = ts.transpileModule(readFileSync(join(copy, file), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  writeFileSync(join(copy, 'dist', file.replace(/ts$/, 'js')), outputText)
}

/** Test files of names and folders. */
function expand(copy, tests) {
  return tests.flatMap((test) => {
    const files = testFiles(copy, test)
    if (files.length === 0) throw new Stop(`no tests are called ${test}`)
    return files
  })
}

/** Runs test files, or all of them for an empty list. Returns the first failure, or undefined if all pass. */
function suite(copy, files) {
  const { status, stdout, error } = spawnSync(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', '--fail-fast', ...files], {
    cwd: copy,
    // A test alone judges every precision; the whole suite has a file for those that others leave out.
    env: { ...process.env, ...(files.length > 0 && { PRERESNET_TEST_PRECISIONS: 'all' }) },
    encoding: 'utf8',
    timeout: LIMIT,
    maxBuffer: 1 << 28,
  })
  if (status === 0) return undefined
  if (error?.code === 'ETIMEDOUT') return 'does not end'
  return /^ +✘ (?:\[fail\]: )?(.*)$/m.exec(stdout)?.[1] ?? /^ +(Uncaught exception .*)$/m.exec(stdout)?.[1] ?? `exit status ${status}`
}
