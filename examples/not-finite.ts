import { digits, fit, preResNet, PreresnetError } from 'preresnet'

const { train } = await digits()
const network = preResNet({ family: 'cifar', depth: 8, input: { height: 28, width: 28, channels: 1 }, classes: 10 })
const trained = (learningRate: number) => fit(network, { train, batch: 32, steps: 20, learningRate }).finished

try {
  await trained(1e30)
} catch (error) {
  if (error instanceof PreresnetError && error.code === 'ERR_NOT_FINITE') await trained(0.1)
  else throw error
}
