#include "config/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tocsin/core/secret.hpp"

namespace tocsin::daemon {
namespace {

void add(std::string& text, std::string_view part) { text += fmt::format("{}:", part.size()), text += part; }

void add(std::string& text, const core::YamlNode& node) {
  using Kind = core::YamlNode::Kind;
  add(text, fmt::format("{}{}", static_cast<int>(node.kind), node.quoted ? "q" : ""));
  if (node.kind == Kind::scalar) add(text, node.scalar);
  add(text, fmt::format("{} {}", node.items.size(), node.entries.size()));
  for (const core::YamlNode& item : node.items) add(text, item);
  std::vector<const core::YamlEntry*> sorted;  // the order of keys says nothing
  for (const core::YamlEntry& entry : node.entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->first.scalar < b->first.scalar; });
  for (const core::YamlEntry* entry : sorted) {
    add(text, entry->first.scalar);
    add(text, entry->second);
  }
}

std::string sha256(std::string&& parts) {
  const core::Secret text(std::move(parts));  // wipes the parts when it goes
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  EVP_Digest(text.reveal().data(), text.reveal().size(), hash.data(), &length, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned i = 0; i < length; ++i) out += fmt::format("{:02x}", hash[i]);
  return out;
}

}  // namespace

std::string digest_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) add(text, part);
  return sha256(std::move(text));
}

std::string digest_of(const core::YamlNode& node, std::string_view left_out) {
  core::YamlNode kept = node;
  std::erase_if(kept.entries, [left_out](const core::YamlEntry& entry) { return entry.first.scalar == left_out; });
  std::string text;
  add(text, kept);
  return sha256(std::move(text));
}

}  // namespace tocsin::daemon
