/** How the images of a step are shared out among ranks, those of a rank among accumulations, and those of an accumulation among groups of statistics. */
import { invalid } from './values.js'

/** The options that say it. */
interface Parts {
  readonly statisticsGroups: number
  readonly accumulate: number
  readonly ranks: number
  readonly synchronizedBatchNorm: boolean
}

/** ERR_OPTION where the parts are not equal. */
export function checkParts(where: string, batch: number, { statisticsGroups, accumulate, ranks, synchronizedBatchNorm }: Parts): void {
  if (synchronizedBatchNorm && accumulate > 1) throw invalid(`${where}: accumulate`, '1 with synchronizedBatchNorm', accumulate)
  if (synchronizedBatchNorm && statisticsGroups > 1) throw invalid(`${where}: statisticsGroups`, '1 with synchronizedBatchNorm', statisticsGroups)
  if (batch % ranks !== 0) throw invalid(`${where}: ranks`, `a number of ranks that divides the batch (${batch})`, ranks)
  const own = ranks === 1 ? `the batch (${batch})` : `a rank's images (${batch} / ${ranks})`
  if ((batch / ranks) % accumulate !== 0) throw invalid(`${where}: accumulate`, `a divisor of ${own}`, accumulate)
  const images = batch / (ranks * accumulate)
  const divisors = [...(ranks > 1 ? [ranks] : []), accumulate].join(' / ')
  const of = accumulate === 1 ? own : `an accumulation's images (${batch} / ${divisors})`
  if (images % statisticsGroups !== 0) throw invalid(`${where}: statisticsGroups`, `a divisor of ${of}`, statisticsGroups)
}

/** Groups over all of a step, which are the leaves of the tree of its sums. */
export function groupsOf({ statisticsGroups, accumulate, ranks }: Omit<Parts, 'synchronizedBatchNorm'>): number {
  return statisticsGroups * accumulate * ranks
}
