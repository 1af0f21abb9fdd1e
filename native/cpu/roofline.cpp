#include "cpu/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "cpu/passes/multiply_add.h"

namespace preresnet::cpu {
namespace {

constexpr int kTries = 5;

template <class Work>
double seconds(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure_arithmetic(ThreadPool& pool, Roofline* roofline) {
  constexpr int64_t kRounds = 2'000'000;  // about ten milliseconds
  std::vector<float> sinks(static_cast<size_t>(pool.threads()));
  std::vector<passes::MultiplyAdds> done(sinks.size());
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double time = seconds([&] {
      pool.run(pool.threads(), [&](int, int64_t task) {
        const auto index = static_cast<size_t>(task);
        done[index] = passes::multiply_adds(kRounds, &sinks[index]);
      });
    });
    double total = 0;
    for (const passes::MultiplyAdds& part : done) total += part.operations;
    roofline->flops = std::max(roofline->flops, total / time);
  }
  roofline->instructions = done[0].instructions;
}

void measure_copies(ThreadPool& pool, Roofline* roofline) {
  constexpr size_t kBytes = size_t{192} << 20;  // more than a cache of this age holds
  const size_t part = kBytes / 2 / static_cast<size_t>(pool.threads());
  std::vector<std::byte> from(part * static_cast<size_t>(pool.threads())), to(from.size());
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double time = seconds([&] {
      pool.run(pool.threads(), [&](int, int64_t task) {
        const size_t begin = part * static_cast<size_t>(task);
        std::memcpy(to.data() + begin, from.data() + begin, part);
      });
    });
    roofline->bytes = std::max(roofline->bytes, 2 * static_cast<double>(from.size()) / time);
  }
}

}  // namespace

Roofline measure_roofline(ThreadPool& pool) {
  Roofline roofline;
  measure_arithmetic(pool, &roofline);
  measure_copies(pool, &roofline);
  return roofline;
}

}  // namespace preresnet::cpu
