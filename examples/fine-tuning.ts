import { fit, imageFolderSplits, startFrom } from 'preresnet'

const { train, test } = await imageFolderSplits('photos')
const { network, options } = await startFrom('model.safetensors', train)
const trained = await fit(network, { ...options, train, validate: test, epochs: 10, learningRate: 0.01 }).finished
await trained.save('tuned.safetensors')
