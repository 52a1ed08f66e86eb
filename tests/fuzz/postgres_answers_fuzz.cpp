// A server that answers anything in any order: asking must come to an end, and never give one sample twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "postgres/questions.hpp"

namespace {

using namespace tocsin::probes::postgres;

/// Bytes as they come; zeros at their end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  unsigned byte() { return at_ < size_ ? data_[at_++] : 0; }
  std::string text() {
    std::string text;
    for (unsigned n = byte() % 16; n > 0; --n) text += static_cast<char>(byte());
    return text;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

std::string number(Input& input) { return std::to_string(input.byte() * 1000); }

/// One answer; false when the message is over.
bool answer(Input& input, Questions& questions, ServerInfo& server, Samples& samples) {
  constexpr const char* states[] = {"42601", "42501", "57014", "57P01", "0A000", "53300", "22023", ""};
  const auto took = std::chrono::nanoseconds(1);
  switch (input.byte() % 6) {
    case 0:
      return false;
    case 1:
      questions.take(nullptr, nullptr, took, server, samples);
      return true;
    case 2: {
      const SqlError error{states[input.byte() % 8], input.text()};
      questions.take(nullptr, &error, took, server, samples);
      return true;
    }
    case 3: {
      const auto rows = make_rows({"1", "2", "version", "num", "recovery", "db", "user", "pid"},
                                  {{"", "", "PostgreSQL " + number(input), number(input), "f", "db", "u", "1"}});
      questions.take(&rows.rows, nullptr, took, server, samples);
      return true;
    }
    default: {
      std::vector<std::string> columns;
      for (unsigned n = input.byte() % 12; n > 0; --n) columns.push_back(input.text());
      std::vector<std::vector<std::optional<std::string>>> cells(columns.empty() ? 0 : input.byte() % 5);
      for (auto& row : cells) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
          row.push_back(input.byte() % 5 == 0 ? std::nullopt : std::optional(input.text()));
        }
      }
      const auto rows = make_rows(columns, cells);
      questions.take(&rows.rows, nullptr, took, server, samples);
      return true;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  tocsin::probes::PostgresOptions options;
  tocsin::probes::PostgresQuery own;
  own.name = "own";
  own.sql = "SELECT 1";
  options.queries = {own};
  const Collectors collectors = make_collectors(options);
  Questions questions(collectors, Questions::Place::main, "db");
  tocsin::core::SeriesTable table(500);
  Samples samples(tocsin::core::Labels(), 200);
  ServerInfo server;
  for (int round = 0; round < 2; ++round) {
    table.begin();
    samples.begin(table);
    questions.begin(tocsin::core::from_millis(1'800'000'000'000 + round * 15'000), false, samples);
    int messages = 0;
    while (questions.message(server, {}, input.byte() % 2 == 1)) {
      if (++messages > 2000 + static_cast<int>(size)) std::abort();  // never ends
      for (int answers = 0; answers < 100 && answer(input, questions, server, samples); ++answers) {
      }
      questions.finish();
    }
    questions.give_up("over", samples);
    if (table.take().rows.size() > 200) std::abort();
  }
  // What libpq says when a connection fails.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(connect_failure(text, tocsin::core::Phase::auth, "geheim"));
  return 0;
}
