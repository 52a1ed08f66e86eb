// Files of samples that hold anything: what is restored can be read, gone on with and written again. The checksums are
// put right first, or nothing else would ever be reached.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "src/checksum.hpp"
#include "tocsin/store/snapshot.hpp"

namespace {

using namespace tocsin;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t mark = 0x3130736e69636f74ULL;
constexpr std::int64_t now = 1'000'000;

void require(bool that) {
  if (!that) std::abort();
}

const std::string& folder() {
  static const std::string path = [] {
    std::string pattern = "/dev/shm/tocsin-fuzz-XXXXXX";
    require(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }();
  return path;
}

std::uint32_t word(const Bytes& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Puts the mark in front, and a right checksum behind each frame.
void repair(Bytes& file) {
  if (file.size() < 8) return;
  std::memcpy(file.data(), &mark, sizeof mark);
  for (std::size_t at = 8; file.size() - at >= 16;) {
    const auto kind = word(file, at);
    const auto size = word(file, at + 4);
    if (size > file.size() - at - 16) return;
    store::Checksum sum;
    sum.add({reinterpret_cast<const std::uint8_t*>(&kind), sizeof kind});
    sum.add({file.data() + at + 8, size});
    const auto value = sum.value();
    std::memcpy(file.data() + at + 8 + size, &value, sizeof value);
    at += 16 + std::size_t{size};
  }
}

void write(const std::string& name, const Bytes& bytes) {
  std::ofstream out(folder() + "/" + name, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void fill_folder(const std::uint8_t* data, std::size_t size) {
  // The input is the three files, each with its length in front.
  for (const auto* name : {"tail", "segments-2", "index-1"}) {
    Bytes file;
    if (size >= 2) {
      const auto length = std::min<std::size_t>(data[0] | data[1] << 8, size - 2);
      file.assign(data + 2, data + 2 + length);
      data += 2 + length;
      size -= 2 + length;
    }
    repair(file);
    write(name, file);
  }
}

void read_all(const store::View& view) {
  std::vector<core::Sample> samples;
  for (const auto series : view.select({})) {
    (void)view.labels(series);
    samples.clear();
    view.read(series, core::from_millis(-now), core::from_millis(2 * now), samples);
    for (std::size_t i = 1; i < samples.size(); ++i) require(samples[i - 1].time < samples[i].time);
    for (const std::int64_t at : {std::int64_t{-1}, now / 2, now, 2 * now}) {
      (void)view.latest(series, core::from_millis(at), std::chrono::minutes(5));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fill_folder(data, size);
  store::Limits limits;
  limits.at_hand = std::chrono::seconds(0);
  store::Store into(limits);
  const auto report = store::restore(folder(), into, core::from_millis(now));
  require(!report.newest || *report.newest <= core::from_millis(now));
  into.publish();
  read_all(into.snapshot());
  const auto block = into.open_block("b");
  core::Batch batch;
  batch.fresh.push_back({0, core::Labels{{"__name__", "x"}}});
  batch.rows.push_back({0, 1});
  require(into.append(block, core::from_millis(now + 1), batch).appended == 1);
  into.maintain(core::from_millis(now + 2));
  into.publish();
  read_all(into.live());
  store::SnapshotWriter writer(folder());
  require(writer.write(into, core::from_millis(now + 3)).has_value());
  // Now that all is on disk, what may go from memory goes.
  require(writer.write(into, core::from_millis(now + 3)).has_value());
  into.maintain(core::from_millis(now + 3));
  read_all(into.live());
  require(into.stats().read_failures == 0);
  store::Store again(store::Limits{});
  require(store::restore(folder(), again, core::from_millis(now + 4)).series >= 1);
  into.maintain(core::from_millis(100 * now));
  require(into.live().select({}).size() <= 1);
  return 0;
}
