// libjpeg reports errors through callbacks that must not return. They jump back into the function
// that called the library, so those functions (and only those) hold nothing that has a destructor.
#include "data/jpeg.h"

#include <jpeglib.h>

#include <csetjmp>
#include <cstdio>
#include <new>
// After jpeglib.h.
#include <jerror.h>

#include <algorithm>

#include "core/error.h"

namespace preresnet {
namespace {

struct ErrorManager {
  jpeg_error_mgr library;  // first: libjpeg hands a pointer to it around
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
  // The file's end came before its end marker. That is an error, but for a file whose pixels are
  // all there: whether they are is known when they are read.
  bool may_end;
  bool ended;
};

[[noreturn]] void leave(j_common_ptr common) {
  auto* manager = reinterpret_cast<ErrorManager*>(common->err);
  // What the library makes of bytes that are missing is a consequence.
  if (manager->ended) common->err->msg_code = JWRN_JPEG_EOF;
  manager->library.format_message(common, manager->message);
  std::longjmp(manager->escape, 1);
}

// Warnings that leave every pixel as it was stored. After any other one the library goes on with
// invented pixels (a truncated file ends in gray): those are errors here.
bool harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM ||
         code == JWRN_NOT_SEQUENTIAL || code == JWRN_BOGUS_ICC;
}

void on_message(j_common_ptr common, int level) {
  auto* manager = reinterpret_cast<ErrorManager*>(common->err);
  const int code = common->err->msg_code;
  if (level >= 0 || harmless(code)) return;
  if (code == JWRN_JPEG_EOF && manager->may_end) {
    manager->ended = true;
    return;
  }
  leave(common);
}

void print_nothing(j_common_ptr) {}

// A progressive file is as many passes over the whole image as it has scans, and a scan that
// changes nothing is a few bytes. Encoders write about ten.
constexpr int kMostScans = 100;

void count_scans(j_common_ptr common) {
  if (reinterpret_cast<j_decompress_ptr>(common)->input_scan_number <= kMostScans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(common->err);
  std::snprintf(manager->message, sizeof manager->message, "expected at most %d scans, got more",
                kMostScans);
  std::longjmp(manager->escape, 1);
}

bool create(jpeg_decompress_struct* jpeg, ErrorManager* errors, jpeg_progress_mgr* progress) {
  jpeg->err = jpeg_std_error(&errors->library);
  errors->library.error_exit = leave;
  errors->library.emit_message = on_message;
  errors->library.output_message = print_nothing;
  if (setjmp(errors->escape) != 0) return false;
  jpeg_create_decompress(jpeg);
  progress->progress_monitor = count_scans;
  jpeg->progress = progress;
  return true;
}

bool read_header(jpeg_decompress_struct* jpeg, ErrorManager* errors, const uint8_t* file,
                 size_t size) {
  if (setjmp(errors->escape) != 0) return false;
  jpeg_mem_src(jpeg, file, size);
  jpeg_read_header(jpeg, TRUE);
  return true;
}

/// Of a file in several scans this reads all of them. An arithmetic decoder goes on with zeros of
/// its own where bytes are missing, so that it cannot say whether they were.
bool start(jpeg_decompress_struct* jpeg, ErrorManager* errors) {
  if (setjmp(errors->escape) != 0) return false;
  errors->may_end = jpeg->arith_code == FALSE;
  jpeg_start_decompress(jpeg);
  return true;
}

/// Whether the scans that were read hold every coefficient of every component to its last bit.
bool complete(const jpeg_decompress_struct* jpeg) {
  for (int component = 0; component < jpeg->num_components; ++component) {
    if (jpeg->comp_info[component].quant_table == nullptr) return false;  // in no scan
    for (int i = 0; jpeg->progressive_mode != FALSE && i < DCTSIZE2; ++i) {
      if (jpeg->coef_bits[component][i] != 0) return false;
    }
  }
  return true;
}

/// Where the marker stands that could not be read, between the scans or after them: the bytes
/// before it. 0 for any other failure.
size_t bytes_before_marker(const jpeg_decompress_struct* jpeg, const ErrorManager& errors,
                           const uint8_t* file, size_t size) {
  if (jpeg->unread_marker == 0) return 0;
  // After the end the library reads bytes of its own.
  const uint8_t* byte = errors.ended ? file + size : jpeg->src->next_input_byte;
  while (byte - file >= 2 && (byte[-2] != 0xFF || byte[-1] != jpeg->unread_marker)) --byte;
  return byte - file >= 2 ? static_cast<size_t>(byte - file) - 2 : 0;
}

bool read_rows(jpeg_decompress_struct* jpeg, ErrorManager* errors, uint8_t* target) {
  if (setjmp(errors->escape) != 0) return false;
  const size_t pitch = static_cast<size_t>(jpeg->output_width) * jpeg->output_components;
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = target + jpeg->output_scanline * pitch;
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  // What follows the last row is no part of the picture, as trailers of telephones.
  jpeg_abort_decompress(jpeg);
  return true;
}

// Four-component files come from Adobe's programs, which store every ink inverted.
void cmyk_to_rgb_or_gray(const std::vector<uint8_t>& cmyk, int64_t channels,
                         std::vector<uint8_t>& target) {
  const size_t pixels = cmyk.size() / 4;
  target.resize(pixels * channels);
  for (size_t i = 0; i < pixels; ++i) {
    const int black = cmyk[i * 4 + 3];
    int color[3];
    for (int channel = 0; channel < 3; ++channel)
      color[channel] = (cmyk[i * 4 + channel] * black + 127) / 255;
    if (channels == 1) {
      target[i] = to_gray(color[0], color[1], color[2]);
    } else {
      for (int channel = 0; channel < 3; ++channel)
        target[i * 3 + channel] = static_cast<uint8_t>(color[channel]);
    }
  }
}

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct jpeg{};
  ErrorManager errors{};
  jpeg_progress_mgr progress{};
  std::vector<uint8_t> cmyk;

  [[noreturn]] void fail(const std::string& name, const std::string& reason) {
    jpeg_abort_decompress(&jpeg);
    fail_image(name, reason);
  }

  /// Until rows can be read. False with a message for what libjpeg refuses.
  bool begin(const uint8_t* file, size_t size, const DecodeOptions& options,
             const std::string& name, Pixels& pixels) {
    errors.may_end = errors.ended = false;
    if (!read_header(&jpeg, &errors, file, size)) return false;
    pixels.stored_height = jpeg.image_height;
    pixels.stored_width = jpeg.image_width;
    const std::string reason =
        too_large(pixels.stored_height, pixels.stored_width, options.maximum_pixels);
    if (!reason.empty()) fail(name, reason);
    const bool inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
    jpeg.out_color_space = inks ? JCS_CMYK : options.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg.scale_num = 1;
    jpeg.scale_denom = 1;
    const int64_t side = std::min(pixels.stored_height, pixels.stored_width);
    while (options.resize > 0 && jpeg.scale_denom < 8 &&
           side >= options.resize * 4 * jpeg.scale_denom)
      jpeg.scale_denom *= 2;
    if (!start(&jpeg, &errors)) return false;
    if (!errors.ended || complete(&jpeg)) return true;
    errors.library.msg_code = JWRN_JPEG_EOF;
    errors.library.format_message(reinterpret_cast<j_common_ptr>(&jpeg), errors.message);
    return false;
  }
};

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {
  if (!create(&state_->jpeg, &state_->errors, &state_->progress))
    throw Error("ERR_INTERNAL", std::string("libjpeg: ") + state_->errors.message);
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&state_->jpeg); }

ImageSize JpegDecoder::size(const uint8_t* file, size_t size, const std::string& name) {
  jpeg_decompress_struct* jpeg = &state_->jpeg;
  if (!read_header(jpeg, &state_->errors, file, size)) state_->fail(name, state_->errors.message);
  const ImageSize stored{jpeg->image_height, jpeg->image_width};
  jpeg_abort_decompress(jpeg);
  return stored;
}

void JpegDecoder::decode(const uint8_t* file, size_t size, const DecodeOptions& options,
                         const std::string& name, Pixels& pixels) {
  jpeg_decompress_struct* jpeg = &state_->jpeg;
  ErrorManager* errors = &state_->errors;
  const int64_t channels = options.channels;
  const auto fail = [&](const std::string& reason) { state_->fail(name, reason); };
  if (!state_->begin(file, size, options, name, pixels)) {
    const std::string reason = errors->message;
    const size_t before = bytes_before_marker(jpeg, *errors, file, size);
    jpeg_abort_decompress(jpeg);
    // What stands where the end marker is expected, behind scans that hold the whole picture.
    if (before == 0 || !state_->begin(file, before, options, name, pixels)) fail(reason);
  }

  const bool inks = jpeg->out_color_space == JCS_CMYK;
  pixels.height = jpeg->output_height;
  pixels.width = jpeg->output_width;
  pixels.scale = jpeg->scale_denom;
  pixels.channels = channels;
  std::vector<uint8_t>& rows = inks ? state_->cmyk : pixels.data;
  try {
    rows.resize(static_cast<size_t>(pixels.height) * pixels.width * jpeg->output_components);
    if (!read_rows(jpeg, errors, rows.data())) fail(errors->message);
    if (inks) cmyk_to_rgb_or_gray(state_->cmyk, channels, pixels.data);
  } catch (const std::bad_alloc&) {
    fail("no memory for " + std::to_string(pixels.width) + " x " + std::to_string(pixels.height) +
         " pixels");
  }
}

bool is_jpeg(const uint8_t* file, size_t size) {
  return size >= 3 && file[0] == 0xFF && file[1] == 0xD8 && file[2] == 0xFF;
}

#define PRERESNET_TEXT_OF(value) #value
#define PRERESNET_TEXT(value) PRERESNET_TEXT_OF(value)
std::string jpeg_library() {
#ifdef LIBJPEG_TURBO_VERSION
  return "libjpeg-turbo " PRERESNET_TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "libjpeg " PRERESNET_TEXT(JPEG_LIB_VERSION);
#endif
}

}  // namespace preresnet
