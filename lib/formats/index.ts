/** Files that runs read and write: safetensors, TensorBoard's events, JSON lines. */
export { type EventRecord, EventFileWriter } from './events.js'
export { type JsonObject, JsonLinesWriter, readJsonLines } from './jsonl.js'
export { type Metadata, readSafetensors, type SafetensorsEntry, SafetensorsFile, type SafetensorsTensor, writeSafetensors } from './safetensors.js'
export type { SafetensorsType, TensorValues } from './tensor_types.js'
