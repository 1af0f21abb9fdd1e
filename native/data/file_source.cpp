#include "data/file_source.h"

#include <algorithm>

#include "core/error.h"

namespace preresnet {

FileSource::FileSource(const SampleShape& shape, const DecodeOptions& preparation)
    : preparation_(preparation) {
  if (shape.channels != 1 && shape.channels != 3) {
    throw Error("ERR_OPTION", "loader: channels: expected 1 or 3 for files, got " +
                                  std::to_string(shape.channels));
  }
  const int64_t larger = std::max(shape.height, shape.width);
  if (preparation.resize != 0 && preparation.resize < larger) {
    throw Error("ERR_OPTION", "loader: resize: expected at least the larger of height and width (" +
                                  std::to_string(larger) + "), got " +
                                  std::to_string(preparation.resize));
  }
  preparation_.channels = shape.channels;
  preparation_.height = shape.height;
  preparation_.width = shape.width;
}

void FileSource::read(const Draw& draw, Desk& desk, uint8_t* pixels) const {
  read_file(draw.sample, desk);
  try {
    desk.decoder.decode_into(desk.file.data(), desk.file.size(), preparation_, "", draw, pixels);
  } catch (const Error& error) {
    throw Error(error.code(), name(draw.sample) + error.what());
  }
}

}  // namespace preresnet
