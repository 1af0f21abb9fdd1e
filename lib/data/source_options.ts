/** Options of what lists the files of a dataset. */
import { flagOption } from '../options/spec.js'

export const sourceOptions = {
  /**
   * Folders, tars and Parquet: look at each file again, whatever was remembered of them or lies in an index beside them. Give true or false.
   * @default false
   */
  rescan: flagOption({
    group: 'Data',
    help: 'folders, tars and Parquet: look at each file again, whatever was remembered of them or lies in an index beside them',
    fallback: false,
  }),
}
