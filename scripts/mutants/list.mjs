// The faults. `search` stands exactly once in `file`; `tests` names the files or folders of test/ that ought to catch it.
export const MUTANTS = []
