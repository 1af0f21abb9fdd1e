// Words that the check of comments looks for.

/** Of each whole sentence one at least: finite forms, and the imperatives of options. */
export const VERBS = new Set(
  (
    'is are was were has have had did gave came said made found counted ended does do can may must will give gives given take takes make makes hold holds say says read reads write writes compute computes return ' +
    'returns become becomes come comes keep keeps keeps go goes begin begins end ends start starts stand stands lie lies lead leads name names count counts add adds ' +
    'multiply multiplies divide divides replace replaces run runs train trains resize resizes crop crops cut cuts mirror mirrors pad pads download downloads load loads save saves ' +
    'open opens close closes append appends free frees stop stops reject rejects throw throws refuse refuses decode decodes measure measures describe describes tell ' +
    'tells list lists show shows sum sums summarize summarizes compile compiles build builds decay decays climb climbs fall falls rise rises stay stays scale scales apply applies ' +
    'use uses need needs let lets follow follows belong belongs decide decides evaluate evaluates classify classifies prepare prepares shuffle shuffles select selects ' +
    'carry carries contain contains store stores share shares pass passes average averages normalize normalizes connect connects repeat repeats wait waits resolve resolves'
  ).split(' '),
)

/** What a number counts or measures. */
export const UNITS =
  /\b(counts?|counted|number of|shares?|fractions?|pixels?|images?|steps?|epochs?|bytes?|KiB|seconds?|microseconds?|channels?|class(es)?|samples?|threads?|factors?|probabilit(y|ies)|rates?|index|indexes|rows|columns|features?|nats|norm|groups?|operations?|launches|waits|standard deviations?|momentum|attempts?|seed|version|copies|multiply-adds|batch|batches|sums|checkpoints|lines|capability|unit-free|values?)\b/i

/** Between which bounds it lies. */
export const RANGES =
  /\b(at least|at most|from -?[\d.]+ (up )?to|between|above|below|up to|any finite|any number)\b|Give (a function|a number, a schedule|"?\w+"? or a number)/

export const BRITISH =
  /\b\w*(normalis|initialis|optimis|serialis|synchronis|recognis|organis|generalis|colour|grey|behaviour|neighbour|labelled|cancelled|modelled|misspelt)\w*|\b(centre|centred)\b/gi

/** What comes from "Identity Mappings in Deep Residual Networks" and says where it stands there. */
export const fromThePaper = new Set([
  'Residual',
  'residual',
  'Residual.branchScale',
  'Residual.activation',
  'Shortcut',
  'ShortcutLike',
  'identity',
  'layersShortcut',
  'projection',
  'constantScaling',
  'dropoutShortcut',
  'gate',
  'GateOptions.kind',
  'GateOptions.biasInit',
  'optionA',
  'OptionA',
  'Block',
  'UnitName',
  'preResNet',
  'PreResNetOptions.unit',
  'PreResNetOptions.gateBias',
  'PreResNetOptions.factor',
  'PreResNetOptions.dropoutRate',
  'multiStep',
  'sgd',
  'randomCrop',
  'flip',
])
