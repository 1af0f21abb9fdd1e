// libjpeg-turbo decoding alone: the rows and columns of random crops, no resize, one thread.
//   libjpeg LIST exact|scaled ROUNDS SEED     LIST: a file with the path of a JPEG a line
// Prints images, seconds and the mean area of the crops as JSON.
#include <cstdio>
// After cstdio.
#include <jpeglib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

struct Box {
  int x, y, width, height;
};

/// torchvision's RandomResizedCrop.
Box draw(int width, int height, std::mt19937& random) {
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = uniform(0.08, 1) * width * height;
    const double ratio = std::exp(uniform(std::log(3. / 4), std::log(4. / 3)));
    const int w = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const int h = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      return {static_cast<int>(uniform(0, width - w + 1)),
              static_cast<int>(uniform(0, height - h + 1)), w, h};
    }
  }
  const double aspect = static_cast<double>(width) / height;
  int w = width;
  int h = height;
  if (aspect < 3. / 4) h = static_cast<int>(std::lround(width / (3. / 4)));
  if (aspect > 4. / 3) w = static_cast<int>(std::lround(height * 4. / 3));
  return {(width - w) / 2, (height - h) / 2, w, h};
}

/// The crop's area.
double decode(const std::string& file, bool scaled, std::mt19937& random,
              std::vector<unsigned char>& pixels) {
  jpeg_decompress_struct image;
  jpeg_error_mgr errors;
  image.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&image);
  jpeg_mem_src(&image, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&image, TRUE);
  image.out_color_space = JCS_RGB;
  const Box box =
      draw(static_cast<int>(image.image_width), static_cast<int>(image.image_height), random);
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
  return static_cast<double>(box.width) * box.height;
}

}  // namespace

int main(int, char** arguments) {
  std::vector<std::string> files;
  std::ifstream list(arguments[1]);
  for (std::string path; std::getline(list, path);) {
    std::ifstream stream(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  const bool scaled = std::strcmp(arguments[2], "scaled") == 0;
  const int rounds = std::atoi(arguments[3]);
  std::mt19937 random(static_cast<unsigned>(std::atoi(arguments[4])));
  std::vector<unsigned char> pixels;
  double area = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& file : files) area += decode(file, scaled, random, pixels);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double images = static_cast<double>(files.size()) * rounds;
  std::printf("{\"images\":%.0f,\"seconds\":%.6f,\"area\":%.1f}\n", images, seconds, area / images);
}
