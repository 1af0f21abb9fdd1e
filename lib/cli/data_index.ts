import { indexFolders } from '../data/index_folders.js'
import type { CommandSpec } from './command.js'
import { dataIndexDocument } from './json/data_index.js'
import { printJson } from './json/document.js'
import { count, print, size } from './output.js'
import type { Table } from '../options/spec.js'
import { leavingAtSignals } from './signals.js'

export const dataIndex: CommandSpec<Table> = {
  name: 'data index',
  summary: 'writes what a listing of a folder of images finds beside it, from where it is read instead of looking at each file',
  arguments: [['<folder>', 'a folder of class folders, or one that has train and others beside it, each of which gets an index']],
  options: {},
  json: dataIndexDocument,
  examples: [['data index /mnt/photos', 'photos/train.index and photos/val.index, for all machines that see this disk']],
  run({ json }, [folder]) {
    return leavingAtSignals(async (signal) => {
      const indexes = await indexFolders(folder as string, signal)
      if (json) printJson(dataIndexDocument, { indexes })
      else for (const { index, images, bytes } of indexes) print(`${index}: ${count(images)} images, ${size(bytes)}`)
    })
  },
}
