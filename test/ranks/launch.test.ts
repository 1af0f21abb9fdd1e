import test from 'ava'
import { launchOf } from '../../lib/ranks/launch.js'

const slurm = { SLURM_PROCID: '2', SLURM_NTASKS: '4', SLURM_LOCALID: '0', SLURM_STEP_ID: '0', SLURM_JOB_ID: '77' }
const torchrun = { RANK: '5', WORLD_SIZE: '8', LOCAL_RANK: '1', MASTER_ADDR: 'a', MASTER_PORT: '29500' }
const openMpi = { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '3', OMPI_COMM_WORLD_LOCAL_RANK: '1' }
const { SLURM_STEP_ID: _, ...batchScript } = slurm

const found = [
  ['nothing', {}, undefined],
  ['torchrun', torchrun, { launcher: 'torchrun', mpi: false, rank: 5, ranks: 8, local: 1 }],
  ['Open MPI', openMpi, { launcher: 'Open MPI', mpi: true, rank: 1, ranks: 3, local: 1 }],
  ['MPICH, Intel MPI', { PMI_RANK: '0', PMI_SIZE: '2', MPI_LOCALRANKID: '0' }, { launcher: 'PMI', mpi: true, rank: 0, ranks: 2, local: 0 }],
  ['srun', slurm, { launcher: 'Slurm', mpi: true, rank: 2, ranks: 4, local: 0 }],
  [
    'an indexed job of Kubernetes that says how many it has',
    { JOB_COMPLETION_INDEX: '3', WORLD_SIZE: '4' },
    { launcher: 'Kubernetes', mpi: false, rank: 3, ranks: 4, local: undefined },
  ],
  ['an indexed job of processes that have nothing to do with each other', { JOB_COMPLETION_INDEX: '3' }, undefined],
  [
    'an operator that sets the variables of torchrun in an indexed job',
    { ...torchrun, JOB_COMPLETION_INDEX: '0' },
    { launcher: 'torchrun', mpi: false, rank: 5, ranks: 8, local: 1 },
  ],
  ['a batch script of Slurm, which no srun started', batchScript, undefined],
  ['an interactive shell of Slurm, a step of one task', { ...slurm, SLURM_PROCID: '0', SLURM_NTASKS: '1' }, undefined],
  ['torchrun within an allocation of Slurm', { ...slurm, ...torchrun }, { launcher: 'torchrun', mpi: false, rank: 5, ranks: 8, local: 1 }],
  ['mpirun within an allocation of Slurm', { ...slurm, ...openMpi }, { launcher: 'Open MPI', mpi: true, rank: 1, ranks: 3, local: 1 }],
  ['mpirun in a batch script', { ...batchScript, ...openMpi }, { launcher: 'Open MPI', mpi: true, rank: 1, ranks: 3, local: 1 }],
  ['the job id of Slurm alone', { SLURM_JOB_ID: '7', SLURM_NTASKS: '4' }, undefined],
  ['another port and address without ranks', { MASTER_ADDR: 'b', MASTER_PORT: '1' }, undefined],
] as const

for (const [what, environment, expected] of found) {
  test(`launched by ${what}`, (t) => t.deepEqual(launchOf(environment), expected))
}

const refused = [
  [{ RANK: '0' }, /RANK is set and WORLD_SIZE is not; expected both, as torchrun sets them, or neither/],
  [{ WORLD_SIZE: '4' }, /WORLD_SIZE is set and RANK is not/],
  [{ OMPI_COMM_WORLD_RANK: '1' }, /OMPI_COMM_WORLD_RANK is set and OMPI_COMM_WORLD_SIZE is not/],
  [{ PMI_SIZE: '4' }, /PMI_SIZE is set and PMI_RANK is not/],
  [{ RANK: '4', WORLD_SIZE: '4' }, /RANK: expected less than WORLD_SIZE \(4\), got 4/],
  [{ RANK: '-1', WORLD_SIZE: '4' }, /RANK: expected an integer of at least 0, got "-1"/],
  [{ RANK: '0', WORLD_SIZE: '0' }, /WORLD_SIZE: expected an integer of at least 1, got "0"/],
  [{ RANK: '1.5', WORLD_SIZE: '4' }, /RANK: expected an integer/],
] as const

for (const [environment, message] of refused) {
  test(`refused: ${JSON.stringify(environment)}`, (t) => {
    t.throws(() => launchOf(environment), { code: 'ERR_OPTION', message })
  })
}
