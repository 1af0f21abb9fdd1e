// Faults of runs that several processes share.

export const rankFaults = [
  {
    name: 'dropout by the place among the images of the rank',
    file: 'native/interfaces/executor.h',
    search: 'return position + first_image(at_a_time);',
    replace: 'return first_image(at_a_time);',
    tests: ['runtime/one_tree'],
  },
  {
    name: 'statistics kept on every rank',
    file: 'native/interfaces/executor.h',
    search: 'return position == 0 && accumulation == 0;',
    replace: 'return accumulation == 0;',
    tests: ['runtime/one_tree'],
  },
  {
    name: 'samples counted on the rank alone',
    file: 'native/program/host_session_steps.cpp',
    search: 'step.counted += word.counted;',
    replace: 'step.counted = own.counted;',
    tests: ['runtime/one_tree'],
  },
  {
    name: 'ranks added in their order instead of by the tree',
    file: 'native/cpu/all_reduce.cpp',
    search: 'add_row_to_tree(rank, op_.ranks, theirs + rank * part_, part_, waiting, part_);',
    replace: 'if (rank > 0) passes::add(theirs + rank * part_, theirs + (rank - 1) * part_, part_);',
    tests: ['runtime/one_tree'],
  },
  {
    name: 'a failure that rank 0 does not pass on',
    file: 'native/communicator/ranks.cpp',
    search: 'if (message.kind != Note::Kind::beat && rank() == 0) tell(message, message.from);',
    replace: '',
    tests: ['ranks'],
  },
  {
    name: 'exchanges after the last rank has left',
    file: 'native/communicator/ranks.cpp',
    search: 'if (closed_) throw Error("ERR_DISPOSED", "the ranks have ended their run");',
    replace: '',
    tests: ['ranks'],
  },
  {
    name: 'every rank takes all threads of the machine',
    file: 'lib/cli/ranks.ts',
    search: 'const beside = hosts.filter((host) => host === hosts[ranks.rank]).length',
    replace: 'const beside = hosts.length / hosts.length',
    tests: ['ranks'],
  },
  {
    name: 'each rank stops by itself',
    file: 'lib/training/trainer.ts',
    search: 'all.some(({ stopping }) => stopping)',
    replace: 'this.#stopping',
    tests: ['training/ranks'],
  },
  {
    name: 'the variables of an allocation of Slurm taken for a rank',
    file: 'lib/ranks/launch.ts',
    search: "['SLURM_STEP_ID', 'SLURM_PROCID', 'SLURM_NTASKS']",
    replace: "['SLURM_PROCID', 'SLURM_NTASKS']",
    tests: ['ranks'],
  },
]
