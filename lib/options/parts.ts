/** How the images of a step are shared out among accumulations, and those of an accumulation among groups of statistics. */
import { invalid } from './values.js'

/** The options that say it. */
interface Parts {
  readonly statisticsGroups: number
  readonly accumulate: number
}

/** ERR_OPTION where the parts are not equal. */
export function checkParts(where: string, batch: number, { statisticsGroups, accumulate }: Parts): void {
  if (batch % accumulate !== 0) throw invalid(`${where}: accumulate`, `a divisor of the batch (${batch})`, accumulate)
  const images = batch / accumulate
  const of = accumulate === 1 ? `the batch (${batch})` : `an accumulation's images (${batch} / ${accumulate})`
  if (images % statisticsGroups !== 0) throw invalid(`${where}: statisticsGroups`, `a divisor of ${of}`, statisticsGroups)
}

/** Groups over all of a step, which are the leaves of the tree of its sums. */
export function groupsOf({ statisticsGroups, accumulate }: Parts): number {
  return statisticsGroups * accumulate
}
