/**
 * Datasets and their loader. A new kind of source (WebDataset shards, the packed format) gets a branch in `Dataset.source`, a reader beside
 * these, and a source in native/data; nothing above this room has to know.
 */
export { cifar10, cifar100 } from './cifar.js'
export type { Dataset, DataSplit, FileSource, MemorySource } from './dataset.js'
export { shuffledLabels, subset } from './derive.js'
export { digits } from './digits.js'
export { download, type DownloadOptions, type DownloadProgress } from './download.js'
export { imageFolder, imageFolders, type ImageFolderOptions } from './image_folder.js'
export { loader, type LoadedBatch, type Loader, type LoaderOptions } from './loader.js'
export { memoryDataset, type MemoryDatasetOptions } from './memory.js'
