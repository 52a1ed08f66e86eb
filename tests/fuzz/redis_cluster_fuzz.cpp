// Any bytes as what a node says of its cluster: as CLUSTER NODES, and as a reply to CLUSTER SHARDS and SLOTS.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "redis/cluster.hpp"

namespace {

using namespace tocsin;

void check(const probes::redis::Nodes& nodes) {
  std::set<std::string> addresses;
  for (const auto& node : nodes) {
    const bool sound = node.address.port != 0 && !node.address.host.empty() && node.address.host.size() <= 255;
    if (!sound || !addresses.insert(node.address.to_string()).second) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const bool tls : {false, true}) {
    const probes::redis::Reached reached{{"seed", 1, false}, tls};
    check(probes::redis::nodes_of_text(input, reached));
    probes::redis::ReplyReader reader(4096);
    if (!reader.feed(input)) continue;
    const auto reply = reader.next();
    if (!reply || !*reply) continue;
    check(probes::redis::nodes_of_shards(**reply, reached));
    check(probes::redis::nodes_of_slots(**reply, reached));
  }
  return 0;
}
