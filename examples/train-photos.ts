import { centerCrop, fit, flip, imageFolderSplits, preResNet, randomCrop, resize } from 'preresnet'

const { train, test, validation = test } = await imageFolderSplits('photos')
const side = [resize(37), centerCrop()]
await fit(preResNet('preresnet-20', { classes: train.classes.length }), {
  train,
  validate: validation,
  prepare: { train: [...side, randomCrop({ pad: 4 }), flip()], evaluate: side },
  epochs: 10,
  learningRate: 0.1,
}).finished
