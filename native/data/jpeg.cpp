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
#include "data/exif.h"

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

/// Narrows the rows to the blocks of columns left ... left + width: `left` becomes the first column
/// of the first block. Then goes to a row; once, from the first one, because from within a group of
/// rows versions of the library before 3.1.4 go on with wrong ones.
bool go_to(jpeg_decompress_struct* jpeg, ErrorManager* errors, JDIMENSION* left, JDIMENSION width,
           JDIMENSION top) {
  if (setjmp(errors->escape) != 0) return false;
  // Of a reduced image of other kinds (4 x 2) the library takes too few columns of chroma.
  const bool narrows = jpeg->scale_denom == 1 || jpeg->max_h_samp_factor <= 2;
  if (narrows && width < jpeg->output_width) {
    jpeg_crop_scanline(jpeg, left, &width);
  } else {
    *left = 0;
  }
  if (top > 0) jpeg_skip_scanlines(jpeg, top);
  return true;
}

/// Until there are `count`.
bool read_rows(jpeg_decompress_struct* jpeg, ErrorManager* errors, uint8_t* const* rows,
               int64_t count) {
  if (setjmp(errors->escape) != 0) return false;
  const JDIMENSION last = jpeg->output_scanline + static_cast<JDIMENSION>(count);
  while (jpeg->output_scanline < last) {
    const JDIMENSION left = last - jpeg->output_scanline;
    jpeg_read_scanlines(jpeg, const_cast<JSAMPARRAY>(rows + (count - left)), left);
  }
  return true;
}

// Four-component files come from Adobe's programs, which store every ink inverted.
void cmyk_to_rgb_or_gray(const uint8_t* cmyk, size_t pixels, int64_t channels, uint8_t* target) {
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

constexpr int64_t kRows = 16;  // at a time

/// Columns on each side of a part that must be decoded with it: where chroma is stored at a lower
/// resolution, the outermost column is interpolated otherwise at the edge of what is decoded.
JDIMENSION margin_of(const jpeg_decompress_struct& jpeg) {
  for (int component = 0; component < jpeg.num_components; ++component) {
    if (jpeg.comp_info[component].h_samp_factor != jpeg.max_h_samp_factor)
      return static_cast<JDIMENSION>(jpeg.max_h_samp_factor);
  }
  return 0;
}

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct jpeg{};
  ErrorManager errors{};
  jpeg_progress_mgr progress{};
  const uint8_t* file = nullptr;
  size_t size = 0;
  std::string name;
  int64_t channels = 0;
  std::vector<uint8_t> rows;    // kRows
  std::vector<uint8_t> colors;  // the same, made of four inks

  [[noreturn]] void fail(const std::string& reason) const { fail_image(name, reason); }

  bool inks() const { return jpeg.out_color_space == JCS_CMYK; }

  bool open(size_t bytes) {
    errors.may_end = errors.ended = false;
    return read_header(&jpeg, &errors, file, bytes);
  }

  /// Until rows can be read. False with a message for what libjpeg refuses.
  bool begin(int64_t scale) {
    const bool four = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
    jpeg.out_color_space = four ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg.scale_num = 1;
    jpeg.scale_denom = static_cast<unsigned>(scale);
    if (!preresnet::start(&jpeg, &errors)) return false;
    if (!errors.ended || complete(&jpeg)) return true;
    errors.library.msg_code = JWRN_JPEG_EOF;
    errors.library.format_message(reinterpret_cast<j_common_ptr>(&jpeg), errors.message);
    return false;
  }

  /// The next rows, in the colors that are wanted. They stay until the next ones are read.
  const uint8_t* next(size_t width, int64_t count) {
    const size_t pitch = width * static_cast<size_t>(jpeg.output_components);
    uint8_t* pointers[kRows];
    for (int64_t i = 0; i < count; ++i) pointers[i] = rows.data() + i * pitch;
    if (!read_rows(&jpeg, &errors, pointers, count)) fail(errors.message);
    if (!inks()) return rows.data();
    cmyk_to_rgb_or_gray(rows.data(), width * count, channels, colors.data());
    return colors.data();
  }
};

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {
  if (!create(&state_->jpeg, &state_->errors, &state_->progress))
    throw Error("ERR_INTERNAL", std::string("libjpeg: ") + state_->errors.message);
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&state_->jpeg); }

ImageSize JpegDecoder::open(const uint8_t* file, size_t size, const std::string& name,
                            int64_t maximum_pixels) {
  State& state = *state_;
  state.file = file;
  state.size = size;
  state.name = name;
  if (!state.open(size)) state.fail(state.errors.message);
  const ImageSize stored{state.jpeg.image_height, state.jpeg.image_width};
  check_pixels(name, stored, maximum_pixels);
  return stored;
}

// Not by reading on: what follows the last row is no part of the picture, as trailers of
// telephones.
void JpegDecoder::close() { jpeg_abort_decompress(&state_->jpeg); }

int JpegDecoder::orientation() const { return jpeg_orientation(state_->file, state_->size); }

ImageSize JpegDecoder::start(int64_t scale, int64_t channels) {
  State& state = *state_;
  jpeg_decompress_struct& jpeg = state.jpeg;
  state.channels = channels;
  if (!state.begin(scale)) {
    const std::string reason = state.errors.message;
    const size_t before = bytes_before_marker(&jpeg, state.errors, state.file, state.size);
    jpeg_abort_decompress(&jpeg);
    // What stands where the end marker is expected, behind scans that hold the whole picture.
    if (before == 0 || !state.open(before) || !state.begin(scale)) state.fail(reason);
  }
  return {jpeg.output_height, jpeg.output_width};
}

void JpegDecoder::read(const Window& part, bool to_the_end,
                       const std::function<void(const uint8_t*, size_t, int64_t)>& take) {
  State& state = *state_;
  jpeg_decompress_struct& jpeg = state.jpeg;
  const auto margin = static_cast<int64_t>(margin_of(jpeg));
  const int64_t from = std::max<int64_t>(0, part.left - margin);
  const int64_t to = std::min<int64_t>(jpeg.output_width, part.left + part.width + margin);
  auto left = static_cast<JDIMENSION>(from);
  if (!go_to(&jpeg, &state.errors, &left, static_cast<JDIMENSION>(to - from),
             static_cast<JDIMENSION>(part.top)))
    state.fail(state.errors.message);
  const size_t width = jpeg.output_width;
  try {
    state.rows.resize(width * jpeg.output_components * kRows);
    if (state.inks()) state.colors.resize(width * state.channels * kRows);
  } catch (const std::bad_alloc&) {
    state.fail("no memory for rows of " + std::to_string(width) + " pixels");
  }
  const size_t pitch = width * static_cast<size_t>(state.channels);
  const size_t first = static_cast<size_t>(part.left - left) * static_cast<size_t>(state.channels);
  const int64_t below = part.top + part.height;
  const int64_t end = to_the_end ? jpeg.output_height : below;
  for (int64_t row = part.top; row < end;) {
    const int64_t count = std::min(kRows, (row < below ? below : end) - row);
    const uint8_t* rows = state.next(width, count);
    if (row < below) take(rows + first, pitch, count);
    row += count;
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
