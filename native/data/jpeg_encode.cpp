// As in jpeg.cpp: the functions that libjpeg jumps back into hold nothing that has a destructor.
#include "data/jpeg_encode.h"

#include <cstdio>
#include <cstdlib>
// After cstdio.
#include <jpeglib.h>

#include <csetjmp>
#include <string>

#include "core/error.h"

namespace preresnet {
namespace {

struct Errors {
  jpeg_error_mgr library;  // first: libjpeg hands a pointer to it around
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void escape(j_common_ptr common) {
  auto* errors = reinterpret_cast<Errors*>(common->err);
  errors->library.format_message(common, errors->message);
  std::longjmp(errors->escape, 1);
}

struct Output {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
};

struct Image {
  const uint8_t* pixels;
  int64_t height;
  int64_t width;
  int64_t channels;
};

bool compress(jpeg_compress_struct* jpeg, Errors* errors, const Image& image, int quality,
              Output* output) {
  jpeg->err = jpeg_std_error(&errors->library);
  errors->library.error_exit = escape;
  if (setjmp(errors->escape) != 0) return false;
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &output->bytes, &output->size);
  jpeg->image_height = static_cast<JDIMENSION>(image.height);
  jpeg->image_width = static_cast<JDIMENSION>(image.width);
  jpeg->input_components = static_cast<int>(image.channels);
  jpeg->in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < jpeg->image_height) {
    const auto row = static_cast<int64_t>(jpeg->next_scanline);
    auto* line = const_cast<JSAMPROW>(image.pixels + row * image.width * image.channels);
    jpeg_write_scanlines(jpeg, &line, 1);
  }
  jpeg_finish_compress(jpeg);
  return true;
}

}  // namespace

std::vector<uint8_t> encode_jpeg(const uint8_t* pixels, int64_t height, int64_t width,
                                 int64_t channels, int quality) {
  jpeg_compress_struct jpeg{};
  Errors errors{};
  Output output;
  const bool written =
      compress(&jpeg, &errors, {pixels, height, width, channels}, quality, &output);
  jpeg_destroy_compress(&jpeg);
  std::vector<uint8_t> file;
  if (written) file.assign(output.bytes, output.bytes + output.size);
  std::free(output.bytes);
  if (!written) throw Error("ERR_IMAGE", std::string("cannot be encoded: ") + errors.message);
  return file;
}

}  // namespace preresnet
