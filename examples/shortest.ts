import { digits, fit, preResNet } from 'preresnet'

const { train, test: validate } = await digits()
const model = preResNet({ family: 'cifar', depth: 8, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
const trained = await fit(model, { train, validate, batch: 64, epochs: 1, learningRate: 0.1 }).finished
await trained.save('digits.safetensors')
