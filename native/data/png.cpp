// libpng reports errors through a callback that must not return. It jumps back into the function
// that called the library, so those functions (and only those) hold nothing that has a destructor.
#include "data/png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

namespace preresnet {
namespace {

/// A file that is read from memory, and what went wrong in it.
struct Input {
  const uint8_t* file;
  size_t size;
  size_t position;
  std::jmp_buf escape;
  char message[160];
  bool damaged;  // a checksum is wrong
};

void remember(Input* input, png_const_charp message) {
  std::snprintf(input->message, sizeof input->message, "%s", message);
  // Of chunks, and zlib's of all data.
  input->damaged = std::strstr(message, "CRC error") || std::strstr(message, "data check");
}

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto* input = static_cast<Input*>(png_get_error_ptr(png));
  remember(input, message);
  std::longjmp(input->escape, 1);
}

/// Warnings, as of data behind the last row, harm nothing but for those of checksums.
void on_warning(png_structp png, png_const_charp message) {
  auto* input = static_cast<Input*>(png_get_error_ptr(png));
  if (!input->damaged) remember(input, message);
}

void read_bytes(png_structp png, png_bytep target, size_t bytes) {
  auto* input = static_cast<Input*>(png_get_io_ptr(png));
  if (bytes > input->size - input->position) leave(png, "Premature end of PNG file");
  std::memcpy(target, input->file + input->position, bytes);
  input->position += bytes;
}

/// Chunks that stand beside the pixels: nobody asks for them, so that neither their number nor
/// their size nor their faults matter. They are passed over, not unpacked. (Transparency is one of
/// them: an alpha channel is dropped too.)
constexpr const char* kSideChunks[] = {
    "bKGD", "cHRM", "cICP", "cLLI", "eXIf", "gAMA", "hIST", "iCCP", "iTXt", "mDCV", "oFFs",
    "pCAL", "pHYs", "sBIT", "sCAL", "sPLT", "sTER", "sRGB", "tEXt", "tIME", "tRNS", "zTXt"};

struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
};

bool create(Reading* reading, Input* input) {
  if (setjmp(input->escape) != 0) return false;
  std::snprintf(input->message, sizeof input->message, "no memory for a PNG decoder");
  reading->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, input, leave, on_warning);
  if (reading->png == nullptr) return false;
  reading->info = png_create_info_struct(reading->png);
  if (reading->info == nullptr) return false;
  // Limits are our own: of pixels before memory is asked for.
  png_set_user_limits(reading->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(reading->png, 0);
  png_set_keep_unknown_chunks(reading->png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  for (const char* name : kSideChunks) {
    png_set_keep_unknown_chunks(reading->png, PNG_HANDLE_CHUNK_NEVER,
                                reinterpret_cast<png_const_bytep>(name), 1);
  }
  png_set_crc_action(reading->png, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE);
  // Encoders write too small a window into the header of their data.
  png_set_option(reading->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  return true;
}

/// The header alone, which may be all there is of the file.
bool read_size(const Reading& reading, Input* input, ImageSize* size) {
  // Signature, length, name, 13 bytes and their checksum.
  constexpr size_t kHeader = 8 + 4 + 4 + 13 + 4;
  if (setjmp(input->escape) != 0) return false;
  png_set_progressive_read_fn(reading.png, nullptr, nullptr, nullptr, nullptr);
  uint8_t header[kHeader];
  const size_t bytes = std::min(input->size, kHeader);
  std::memcpy(header, input->file, bytes);
  png_process_data(reading.png, reading.info, header, bytes);
  size->height = png_get_image_height(reading.png, reading.info);
  size->width = png_get_image_width(reading.png, reading.info);
  if (size->height == 0 || size->width == 0) leave(reading.png, "Premature end of PNG file");
  return true;
}

bool read_header(const Reading& reading, Input* input, int* passes) {
  if (setjmp(input->escape) != 0) return false;
  png_set_read_fn(reading.png, input, read_bytes);
  png_read_info(reading.png, reading.info);
  // Gray, RGB or indices in a palette, of 8 bits each.
  png_set_packing(reading.png);
  if (png_get_color_type(reading.png, reading.info) == PNG_COLOR_TYPE_GRAY)
    png_set_expand_gray_1_2_4_to_8(reading.png);
  png_set_strip_16(reading.png);
  png_set_strip_alpha(reading.png);
  *passes = png_set_interlace_handling(reading.png);
  png_read_update_info(reading.png, reading.info);
  return true;
}

/// Whether every pixel is there. What follows the last row may be missing, or there may be more of
/// it, but a checksum must not be wrong.
bool whole(const Reading& reading, const Input& input) {
  constexpr int kPasses = 7;
  return !input.damaged && (png_get_current_row_number(reading.png) >=
                                png_get_image_height(reading.png, reading.info) ||
                            png_get_current_pass_number(reading.png) >= kPasses);
}

bool read_rows(const Reading& reading, Input* input, int passes, uint8_t* data, size_t pitch) {
  if (setjmp(input->escape) != 0) return whole(reading, *input);
  const size_t height = png_get_image_height(reading.png, reading.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t y = 0; y < height; ++y) png_read_row(reading.png, data + y * pitch, nullptr);
  }
  return !input->damaged;
}

/// Frees libpng's structures.
class Reader {
 public:
  Reader(const uint8_t* file, size_t size, const std::string& name) : name_(name) {
    input_.file = file;
    input_.size = size;
    if (create(&reading_, &input_)) return;
    png_destroy_read_struct(&reading_.png, &reading_.info, nullptr);
    fail_image(name_, input_.message);
  }
  ~Reader() { png_destroy_read_struct(&reading_.png, &reading_.info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  ImageSize size() {
    ImageSize size;
    if (!read_size(reading_, &input_, &size)) fail_image(name_, input_.message);
    return size;
  }

  void header() {
    if (!read_header(reading_, &input_, &passes_)) fail_image(name_, input_.message);
  }

  /// [row][column][samples]
  void rows(std::vector<uint8_t>& data) {
    const size_t height = png_get_image_height(png(), info());
    const size_t pitch = png_get_rowbytes(png(), info());
    data.resize(height * pitch);
    if (!read_rows(reading_, &input_, passes_, data.data(), pitch))
      fail_image(name_, input_.message);
  }

  png_structp png() const { return reading_.png; }
  png_infop info() const { return reading_.info; }

 private:
  const std::string& name_;
  Input input_{};
  Reading reading_;
  int passes_ = 1;
};

/// Indices to `channels` a pixel. Where these are more, from the last pixel on, in place. An index
/// without a color is black.
void look_up(const Reader& reader, int64_t channels, std::vector<uint8_t>& data) {
  png_colorp palette = nullptr;
  int colors = 0;
  png_get_PLTE(reader.png(), reader.info(), &palette, &colors);
  constexpr uint8_t kBlack[3] = {};
  const size_t count = data.size();
  if (channels == 3) data.resize(count * 3);
  for (size_t i = count; i-- > 0;) {
    const uint8_t* rgb = data[i] < colors ? &palette[data[i]].red : kBlack;
    if (channels == 1) {
      data[i] = to_gray(rgb[0], rgb[1], rgb[2]);
    } else {
      std::copy(rgb, rgb + 3, &data[i * 3]);
    }
  }
}

}  // namespace

bool is_png(const uint8_t* file, size_t size) {
  constexpr uint8_t kSignature[8] = {137, 80, 78, 71, 13, 10, 26, 10};
  return size >= sizeof kSignature && std::memcmp(file, kSignature, sizeof kSignature) == 0;
}

void decode_png(const uint8_t* file, size_t size, const DecodeOptions& options,
                const std::string& name, Pixels& pixels) {
  const ImageSize stored = png_size(file, size, name, options.maximum_pixels);
  pixels.height = stored.height;
  pixels.width = stored.width;
  Reader reader(file, size, name);
  try {
    reader.header();
    reader.rows(pixels.data);
    const int color = png_get_color_type(reader.png(), reader.info());
    if (color == PNG_COLOR_TYPE_PALETTE) {
      look_up(reader, options.channels, pixels.data);
      pixels.channels = options.channels;
    } else {
      pixels.channels = color == PNG_COLOR_TYPE_GRAY ? 1 : 3;
      convert_channels(pixels, options.channels);
    }
  } catch (const std::bad_alloc&) {
    fail_image(name, no_memory(stored));
  }
}

ImageSize png_size(const uint8_t* file, size_t size, const std::string& name,
                   int64_t maximum_pixels) {
  const ImageSize stored = Reader(file, size, name).size();
  check_pixels(name, stored, maximum_pixels);
  return stored;
}

std::string png_library() { return std::string("libpng ") + png_get_libpng_ver(nullptr); }

}  // namespace preresnet
