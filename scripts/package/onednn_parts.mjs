// What is left out of oneDNN's sources before its static library is built: everything that this library's convolutions cannot reach.
// They are float32, or bfloat16 with float32 results, on blocks of 16 or 8 channels; and their weights are reordered. No implementation by matrix products
// (brgemm, gemm, AMX) takes images in such blocks in 3.7, so none of these is ever chosen: the choice among the rest stays that of the whole library.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'

/** Direction, and types of images, weights and results, as oneDNN's table of implementations has them. */
const CONVOLUTIONS = new Set([
  ...['forward, f32, f32, f32', 'forward, bf16, bf16, f32'],
  ...['backward_data, f32, f32, f32', 'backward_data, f32, bf16, bf16'],
  ...['backward_weights, f32, f32, f32', 'backward_weights, bf16, f32, bf16'],
])
const REORDERS = 'f32_f32|f32_bf16|bf16'

/** Lines of the table of convolutions: includes and entries. */
const OTHER_CONVOLUTIONS =
  /^.*(\b(gemm_|ip_conv|jit_uni_ncsp|ref_fused|ref_convolution_int8)|x8s8s32x|^ +BRGEMM_FP8|_ACL\(|(64\/jit_|AVX2\(|AVX512\(|AMX\(|AARCH64\()brd?ge?mm|_amx_).*\n/gm

const TABLES = {
  'src/cpu/cpu_convolution_list.cpp': (text) =>
    text
      .replace(/^ {8}\{\{(\w+, \w+, \w+, \w+)\},[^]*?^ {8}\}\)?\},\n/gm, (entry, types) => (CONVOLUTIONS.has(types) ? entry : ''))
      .replace(OTHER_CONVOLUTIONS, ''),
  'src/cpu/reorder/cpu_reorder.cpp': (text) => text.replace(new RegExp(`^ +\\{\\{.*&(?!regular_(${REORDERS})_impl).*\\n`, 'gm'), ''),
  ...Object.fromEntries(
    REORDERS.split('|').map((types) => [
      `src/cpu/reorder/cpu_reorder_regular_${types}.cpp`,
      (text) => text.replace(/^.*(rnn_weights_reorder_t|brgemm_matmul).*\n/gm, ''),
    ]),
  ),
}

/** Files of src/cpu that nothing in these tables leads to. Lists of implementations stay: they are asked for even where they are empty. */
const FILES = new RegExp(
  [
    '/(gemm|matmul|brgemm|rnn|capi)/|/gemm_|/ip_|brgemm|brdgmm|_amx_|x8s8s32x|int8|ncsp|zp_src|sparse|xf16_sum',
    'inner_product(_utils)?\\.cpp|reorder_comp|reorder_regular_(?!REORDERS\\.)|eltwise_int|/ref_(binary|eltwise)|/simple_(concat|sum)',
    'jit_uni_binary(_kernel)?\\.cpp|jit_uni_eltwise\\.cpp|(lrn|prelu|shuffle|pool|resampling|softmax|sdpa|deconv|normalization|reduction)[^/]*\\.cpp',
  ]
    .join('|')
    .replace('REORDERS', `(${REORDERS})`),
)

/** What decides which parts there are, for the name of what is built. */
export const PARTS = [...CONVOLUTIONS, REORDERS, OTHER_CONVOLUTIONS.source, FILES.source].join('\n')

/** Changes the unpacked sources in `folder`. Another version of oneDNN, whose tables are written in another way, is refused. */
export function keepConvolutions(folder) {
  for (const [name, change] of Object.entries(TABLES)) {
    const file = join(folder, name)
    const text = readFileSync(file, 'utf8')
    const changed = change(text)
    if (changed === text) throw new Stop(`${file}: expected a table of oneDNN 3.7 with parts to leave out, got none`)
    writeFileSync(file, changed)
  }
  for (const file of filesUnder(folder, 'src/cpu')) if (/(?<!_list)\.cpp$/.test(file) && FILES.test(file)) rmSync(join(folder, file))
}
