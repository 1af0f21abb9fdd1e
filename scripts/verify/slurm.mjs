// A real Slurm on this machine (Debian's slurmctld, slurmd and munge, as root): srun starts ranks that find each other over Open MPI (PMIx) and MPICH (PMI-2), what
// runs alone within an allocation is alone, SIGUSR1 before a time limit saves and leaves with status 138, and the job that is put back into the queue goes on to the
// bits of a run that nobody touched. Needs apt-get install slurmctld slurmd slurm-client munge libopenmpi-dev openmpi-bin libmpich-dev mpich.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { bits, cli, mpiFor, pause, started, withWork } from './ranks/launching.mjs'

const CPUS = 4
const recipe = [
  ...['train', '--model', 'preresnet-20', '--data', 'digits', '--batch', '32', '--steps', '300', '--precision', 'fp32', '--threads', '1'],
  ...['--validate-every', '1000000', '--checkpoint-every', '50', '--log-every', '20'],
]

/** Starts munge, the controller and one node, each on ports and in folders of its own; `end()` ends them. */
async function cluster(work) {
  const place = (name) => {
    mkdirSync(join(work, name), { recursive: true, mode: 0o755 })
    return join(work, name)
  }
  const socket = join(place('munge'), 'socket')
  const key = join(work, 'munge', 'key')
  writeFileSync(key, Buffer.alloc(128, 'preresnet'), { mode: 0o400 })
  const conf = join(work, 'slurm.conf')
  const host = hostname()
  writeFileSync(
    conf,
    [
      'ClusterName=one',
      `SlurmctldHost=${host}(127.0.0.1)`,
      ...['SlurmctldPort=16817', 'SlurmdPort=16818', 'SlurmUser=root', 'SlurmdUser=root', 'AuthType=auth/munge'],
      `AuthInfo=socket=${socket},cred_expire=5`,
      ...['ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none', 'MpiDefault=none', 'ReturnToService=2', 'JobRequeue=1', 'KillWait=5'],
      ...['SelectType=select/cons_tres', 'SelectTypeParameters=CR_CPU', 'SlurmdParameters=config_overrides', 'JobAcctGatherType=jobacct_gather/none'],
      ...[`StateSaveLocation=${place('state')}`, `SlurmdSpoolDir=${place('spool')}`],
      ...[`SlurmctldPidFile=${work}/ctld.pid`, `SlurmdPidFile=${work}/d.pid`, `SlurmctldLogFile=${work}/ctld.log`, `SlurmdLogFile=${work}/d.log`],
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${CPUS} State=UNKNOWN`,
      `PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP`,
    ].join('\n') + '\n',
  )
  const env = { ...process.env, SLURM_CONF: conf }
  const daemons = []
  const daemon = (command, args) => daemons.push(spawn(command, args, { env, stdio: 'ignore', detached: true }))
  daemon('/usr/sbin/munged', [
    '--foreground',
    '--force',
    `--key-file=${key}`,
    `--socket=${socket}`,
    `--pid-file=${work}/munge/pid`,
    `--log-file=${work}/munge/log`,
    `--seed-file=${work}/munge/seed`,
  ])
  await pause(500)
  daemon('/usr/sbin/slurmctld', ['-D'])
  daemon('/usr/sbin/slurmd', ['-D'])
  const command = (name, args) => spawnSync(name, args, { env, encoding: 'utf8' })
  for (let tries = 0; !/\bidle\b/.test(command('sinfo', ['--noheader', '--format=%T']).stdout ?? ''); tries++) {
    if (tries === 60) throw new Stop(`the node did not come up: ${readFileSync(join(work, 'ctld.log'), 'utf8').slice(-800)}`)
    await pause(500)
  }
  const end = async () => {
    const ended = daemons.reverse().map((child) => new Promise((resolve) => child.on('exit', resolve)))
    for (const { pid } of daemons) process.kill(-pid, 'SIGTERM')
    await Promise.all(ended)
  }
  return { env, command, end }
}

/** `doctor --distributed` by srun: what it says of the ranks. */
async function asked(slurm, flags, library) {
  const { code, stdout, stderr } = await started(['srun', ...flags, process.execPath, cli, 'doctor', '--distributed', '--json'], {
    env: { ...slurm.env, PRERESNET_MPI: library },
  }).ended
  if (stdout === '') throw new Stop(`srun ${flags.join(' ')}: status ${code}: ${stderr.slice(-800)}`)
  const { ok, distributed } = JSON.parse(stdout)
  return { ok, launcher: distributed.launcher, ranks: distributed.ranks.map(({ rank, engine }) => `${rank} ${engine}`) }
}

/** The batch script of docs/ranks.md, with a signal that comes when this check says so. */
async function requeued(slurm, work, library) {
  const output = join(work, 'requeued')
  const script = join(work, 'job.sh')
  const srun = `srun --mpi=pmix --kill-on-bad-exit=1 ${process.execPath} ${cli} ${recipe.join(' ')} --output ${output} --resume`
  writeFileSync(
    script,
    `#!/bin/sh\n${srun}\nstatus=$?\necho "$SLURM_RESTART_COUNT ended with $status"\nif [ $status = 138 ]; then scontrol requeue $SLURM_JOB_ID; fi\nexit $status\n`,
    { mode: 0o755 },
  )
  const log = join(work, 'job.log')
  const submitted = slurm.command('sbatch', [
    '--parsable',
    '--ntasks=2',
    '--requeue',
    '--open-mode=append',
    `--output=${log}`,
    `--export=ALL,PRERESNET_MPI=${library}`,
    script,
  ])
  const job = submitted.stdout.trim()
  if (!/^\d+$/.test(job)) throw new Stop(`sbatch: ${submitted.stderr}`)
  const said = async (what, seconds) => {
    for (let tries = 0; tries < 2 * seconds; tries++, await pause(500)) {
      try {
        const text = readFileSync(log, 'utf8')
        if (what.test(text)) return text
      } catch {
        // It has not begun.
      }
    }
    throw new Stop(`the job did not say ${what}: ${slurm.command('scontrol', ['show', 'job', job]).stdout} ${readFileSync(log, 'utf8').slice(-2000)}`)
  }
  await said(/^step 60\//m, 120)
  slurm.command('scancel', ['--signal=USR1', `${job}.0`])
  await said(/ended with 138/, 60)
  const text = await said(/1 ended with 0/, 240)
  return { resumed: /resumed at step/.test(text), bits: bits(output), text }
}

main('slurm', () =>
  withWork('slurm', async (work) => {
    const openMpi = mpiFor({ work })
    const mpich = mpiFor({ work, mpich: true })
    const slurm = await cluster(work)
    const results = {}
    const told = (name, passed, seen) => {
      results[name] = passed
      console.error(JSON.stringify({ [name]: passed, seen }))
    }
    try {
      const pmix = await asked(slurm, ['-n4', '--mpi=pmix'], openMpi.library)
      told('srun --mpi=pmix, Open MPI: four ranks', pmix.ok && pmix.ranks.length === 4, pmix)
      const pmi2 = await asked(slurm, ['-n4', '--mpi=pmi2'], mpich.library)
      told('srun --mpi=pmi2, MPICH: four ranks', pmi2.ok && pmi2.ranks.length === 4, pmi2)
      // An allocation of several tasks whose variables every process has; what a batch script or a shell starts itself is alone.
      const alone = await started(['salloc', '-n4', '--quiet', process.execPath, cli, ...recipe, '--steps', '3', '--output', join(work, 'alone')], {
        env: slurm.env,
      }).ended
      told('a command of salloc that srun did not start is alone', alone.code === 0, alone.stderr.slice(-300))
      const wrong = await started(['srun', '-n2', '--mpi=none', '--kill-on-bad-exit=1', process.execPath, cli, ...recipe, '--output', join(work, 'wrong')], {
        env: { ...slurm.env, PRERESNET_MPI: openMpi.library },
        limit: 60_000,
      }).ended
      // Open MPI ends such processes itself.
      told('srun without --mpi: ends, and says that PMI is missing', !wrong.hung && wrong.code !== 0 && /PMI/.test(wrong.stderr), wrong.stderr.slice(0, 400))
      const untouched = join(work, 'untouched')
      const whole = await started(['srun', '-n2', '--mpi=pmix', process.execPath, cli, ...recipe, '--output', untouched], {
        env: { ...slurm.env, PRERESNET_MPI: openMpi.library },
      }).ended
      told('srun --mpi=pmix: two ranks train', whole.code === 0, whole.stderr.slice(-300))
      const again = await requeued(slurm, work, openMpi.library)
      told(
        'SIGUSR1, status 138, requeued, resumed: the same bits',
        again.resumed && again.bits === bits(untouched),
        again.text.split('\n').filter((line) => /ended|resumed|SIGUSR1/.test(line)),
      )
    } finally {
      await slurm.end()
    }
    verdict({ slurm: spawnSync('slurmd', ['-V'], { encoding: 'utf8' }).stdout.trim(), results, passed: Object.values(results).every(Boolean) })
  }),
)
