// Run by test/data/augmentation.test.ts: HEIGHT WIDTH CHANNELS and operations as arguments, an
// image on the standard input, the image after each operation on the standard output.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/augmentation/colors.h"
#include "data/augmentation/magnitudes.h"

namespace {

using namespace preresnet;
using Numbers = std::vector<double>;

/// numbers: of the operation, of the magnitude, of magnitudes, 1 or -1.
void apply_from(MagnitudeTable table, const ImageView& image, const Numbers& numbers) {
  const auto operation = static_cast<ColorOrShape>(static_cast<int>(numbers[0]));
  const int64_t size = operation == ColorOrShape::translate_x ? image.width : image.height;
  const double magnitude = magnitude_of(table, operation, static_cast<int>(numbers[1]),
                                        static_cast<int>(numbers[2]), size);
  apply(image, operation, numbers[3] * magnitude);
}

const std::map<std::string, std::function<void(const ImageView&, const Numbers&)>> kOperations = {
    {"brightness", [](auto& image, auto& numbers) { adjust_brightness(image, numbers[0]); }},
    {"contrast", [](auto& image, auto& numbers) { adjust_contrast(image, numbers[0]); }},
    {"saturation", [](auto& image, auto& numbers) { adjust_saturation(image, numbers[0]); }},
    {"sharpness", [](auto& image, auto& numbers) { adjust_sharpness(image, numbers[0]); }},
    {"hue", [](auto& image, auto& numbers) { adjust_hue(image, numbers[0]); }},
    {"posterize",
     [](auto& image, auto& numbers) { posterize(image, static_cast<int>(numbers[0])); }},
    {"solarize", [](auto& image, auto& numbers) { solarize(image, numbers[0]); }},
    {"autocontrast", [](auto& image, auto&) { autocontrast(image); }},
    {"equalize", [](auto& image, auto&) { equalize(image); }},
    {"wide", [](auto& image, auto& numbers) { apply_from(MagnitudeTable::wide, image, numbers); }},
    {"rand", [](auto& image, auto& numbers) { apply_from(MagnitudeTable::rand, image, numbers); }},
};

}  // namespace

int main(int count, char** arguments) {
  ImageView view{nullptr, std::atoll(arguments[1]), std::atoll(arguments[2]),
                 std::atoll(arguments[3])};
  std::vector<uint8_t> image(view.values());
  if (std::fread(image.data(), 1, image.size(), stdin) != image.size()) return 1;
  for (int index = 4; index < count; ++index) {
    const std::string text = arguments[index];
    const size_t end = text.find(':');
    Numbers numbers;
    for (const char* at = text.c_str() + end + 1; *at != '\0';) {
      char* next = nullptr;
      numbers.push_back(std::strtod(at, &next));
      at = *next == ',' ? next + 1 : next;
    }
    std::vector<uint8_t> changed = image;
    view.pixels = changed.data();
    kOperations.at(text.substr(0, end))(view, numbers);
    std::fwrite(changed.data(), 1, changed.size(), stdout);
  }
  return 0;
}
