// Who of waiting images begins, for test/inference/decode_turns.test.ts. Each argument after the
// seed is a scenario: "most small budget" and then "+a40" (image a of 40 pixels comes), "-a" (a
// ends), "!a" (a leaves, which must wait), "?" (say who runs). A line of JSON a scenario: what was
// said.
#include "data/decode_turns.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string play(const std::string& scenario) {
  std::istringstream words(scenario);
  preresnet::DecodeLimits limits;
  words >> limits.most >> limits.small >> limits.budget;
  preresnet::DecodeTurns turns(limits);
  std::map<std::string, uint64_t> numbers;
  std::map<uint64_t, std::string> names;
  std::vector<uint64_t> running;
  std::string said;
  const auto say = [&](const std::string& text) { said += (said.empty() ? "" : "|") + text; };
  for (std::string word; words >> word;) {
    const std::string name = word.substr(1, 1);
    if (word[0] == '+') {
      const uint64_t number = turns.add(std::atoll(word.c_str() + 2));
      numbers[name] = number;
      names[number] = name;
    } else if (word[0] == '-') {
      turns.end(numbers[name]);
      std::erase(running, numbers[name]);
    } else if (word[0] == '!') {
      say(turns.remove(numbers[name]) ? "left" : "stays");
    }
    for (auto number = turns.begin(); number; number = turns.begin()) running.push_back(*number);
    if (word[0] != '?') continue;
    std::string all;
    for (const uint64_t number : running) all += names[number];
    say(all.empty() ? "nobody" : all);
  }
  return said;
}

}  // namespace

int main(int argc, char** argv) {
  for (int index = 2; index < argc; ++index) {
    std::printf("{\"name\":\"%s\",\"message\":\"%s\"}\n", argv[index], play(argv[index]).c_str());
  }
}
