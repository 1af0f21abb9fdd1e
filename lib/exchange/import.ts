/** Weights of timm's and torchvision's networks become a network here. */
import type { SafetensorsTensor } from '../formats/safetensors.js'
import { openTensorFile } from '../formats/tensor_file.js'
import { buildGraph } from '../graph/index.js'
import type { Network } from '../layers/index.js'
import { checkOptions } from '../options/check.js'
import type { Family, Structure } from './families.js'
import { faultOfFile, finiteValues, ImportedModel } from './imported.js'
import { importOptions, type ImportOptions } from './options.js'
import { checkArchitecture, checkChannels, shownTo, timmConfigBeside } from './preparation.js'
import { checkTensors, familyOf, foreignTensors, structureOf } from './structure.js'

/**
 * Reads weights under the names of timm or torchvision. The network follows from names and shapes.
 * @param file - Path of a safetensors file, or of one that PyTorch's torch.save wrote (.pth), of which nothing is run.
 * @param options - Whose names it has, and how images become the network's input.
 * @throws ERR_FILE where a tensor is missing, one too many, of another shape or not finite, and names it; also where the file, or config.json beside it, is malformed.
 * @throws ERR_OPTION where nothing says how images were prepared; the message lists what can be said.
 * @example
 * const imported = await importWeights('resnet50.safetensors', { from: 'torchvision', preparation: 'torchvision-v2' })
 */
export async function importWeights(file: string, options: ImportOptions): Promise<ImportedModel> {
  const { from, preparation } = checkOptions('importWeights', importOptions, options)
  await using weights = await openTensorFile(file)
  const family = familyOf(file, weights.entries, from)
  const config = from === 'timm' ? await timmConfigBeside(file) : undefined
  if (config !== undefined) checkArchitecture(config)
  const shown = shownTo(file, config, preparation)
  const network = build(file, family, structureOf(file, weights.entries, family, shown))
  const wanted = foreignTensors(buildGraph(network), family)
  checkTensors(file, weights.entries, wanted, network.name)
  checkChannels(file, shown, network.input)
  const parameters = new Map<string, SafetensorsTensor>()
  for (const { name, foreign, shape } of wanted)
    parameters.set(name, { dtype: 'F32', shape, data: await finiteValues(file, foreign, await weights.read(foreign)) })
  return new ImportedModel({ network, parameters, prepare: shown.prepare })
}

function build(file: string, family: Family, structure: Structure): Network {
  try {
    const network = family.build(structure)
    buildGraph(network)
    return network
  } catch (cause) {
    throw faultOfFile(file, cause)
  }
}
