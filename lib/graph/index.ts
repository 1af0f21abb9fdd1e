export { buildGraph } from './build.js'
export { type Counts, countGraph, type NodeSummary, summarizeGraph } from './count.js'
export type * from './graph.js'
