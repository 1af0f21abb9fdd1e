import { buildGraph, countGraph, summarizeGraph } from '../graph/index.js'
import type { CommandSpec } from './command.js'
import { chooseNetwork, networkOptions, sizeOf, sizeOptions } from './model_options.js'
import { printJson } from './json/document.js'
import { summaryDocument } from './json/summary.js'
import { count, print, table } from './output.js'

const options = { ...networkOptions, ...sizeOptions }

export const summary: CommandSpec<typeof options> = {
  name: 'summary',
  summary: 'layers, parameters and multiply-adds of a network',
  arguments: [['[network]', 'a name as preresnet-164']],
  options,
  json: summaryDocument,
  examples: [
    ['summary preresnet-164', 'layer by layer'],
    ['summary preresnet-164 --classes 100 --json', 'for a script'],
    ['summary --family cifar --depth 56 --block bottleneck', 'a network without a name'],
  ],
  async run(values, [name]) {
    const network = chooseNetwork(name as string | undefined, values, sizeOf(values))
    const graph = buildGraph(network)
    const { parameters, multiplyAdds } = countGraph(graph)
    const layers = summarizeGraph(graph)
    if (values.json) printJson(summaryDocument, { network: network.name, input: network.input, parameters, multiplyAdds, layers })
    else {
      const rows = layers.map((layer) => [layer.name, layer.kind, layer.shape.join(' x '), layer.parameters, layer.multiplyAdds])
      print(table(['layer', 'kind', 'output', 'parameters', 'multiply-adds'], rows))
      print(`\n${network.name}: ${count(parameters)} parameters, ${count(multiplyAdds)} multiply-adds an image`)
    }
    return 0
  },
}
