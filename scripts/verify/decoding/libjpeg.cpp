// libjpeg-turbo decoding alone: the rows and columns of crops, no resize, one thread.
//   libjpeg LIST exact|scaled START
// LIST has a line for each JPEG: its path, and "left top width height" of one crop after the other,
// with tabs between them. START is when it begins, in seconds since 1970. Prints images and the
// seconds from then on as JSON.
#include <cstdio>
// After cstdio.
#include <jpeglib.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Box {
  int x, y, width, height;
};

void decode(const std::string& file, const Box& box, bool scaled,
            std::vector<unsigned char>& pixels) {
  jpeg_decompress_struct image;
  jpeg_error_mgr errors;
  image.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&image);
  jpeg_mem_src(&image, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&image, TRUE);
  image.out_color_space = JCS_RGB;
  unsigned scale = 1;
  while (scaled && scale < 8 && box.width / static_cast<int>(scale * 2) >= 224 &&
         box.height / static_cast<int>(scale * 2) >= 224)
    scale *= 2;
  image.scale_num = 1;
  image.scale_denom = scale;
  jpeg_start_decompress(&image);
  JDIMENSION x = box.x / scale;
  JDIMENSION width = std::max(1u, box.width / scale);
  jpeg_crop_scanline(&image, &x, &width);
  if (box.y / scale > 0) jpeg_skip_scanlines(&image, box.y / scale);
  const auto rows =
      std::min<JDIMENSION>(image.output_height, box.y / scale + std::max(1u, box.height / scale));
  pixels.resize(static_cast<size_t>(image.output_width) * 3);
  unsigned char* row = pixels.data();
  while (image.output_scanline < rows) jpeg_read_scanlines(&image, &row, 1);
  jpeg_abort_decompress(&image);
  jpeg_destroy_decompress(&image);
}

}  // namespace

int main(int, char** arguments) {
  std::vector<std::string> files;
  std::vector<std::vector<Box>> boxes;
  std::ifstream list(arguments[1]);
  for (std::string line; std::getline(list, line);) {
    std::istringstream fields(line);
    std::string path;
    std::getline(fields, path, '\t');
    std::ifstream stream(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    boxes.emplace_back();
    for (Box box; fields >> box.x >> box.y >> box.width >> box.height;) boxes.back().push_back(box);
  }
  const bool scaled = std::strcmp(arguments[2], "scaled") == 0;
  const size_t rounds = boxes.front().size();
  std::vector<unsigned char> pixels;
  const std::chrono::duration<double> at(std::stod(arguments[3]));
  const std::chrono::duration<double> wait =
      at - std::chrono::system_clock::now().time_since_epoch();
  if (wait.count() < 0) {
    std::fprintf(stderr, "expected to be ready in time, got ready %.1f s late\n", -wait.count());
    return 1;
  }
  std::this_thread::sleep_for(wait);
  const auto start = std::chrono::steady_clock::now();
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < files.size(); ++i) decode(files[i], boxes[i][round], scaled, pixels);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"images\":%zu,\"seconds\":%.6f}\n", files.size() * rounds, seconds);
}
