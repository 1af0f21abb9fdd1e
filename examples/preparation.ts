import { centerCrop, flip, randomResizedCrop, resize, type Preparation } from 'preresnet'

export const imagenet: Preparation = { train: [randomResizedCrop(), flip()], evaluate: [resize(256), centerCrop()] }
