// The exporters' web configuration: who may use the port.
#include <algorithm>

#include "files.hpp"
#include "load.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {
namespace {

using core::FieldReader;

constexpr std::size_t most_users = 100;
constexpr int highest_cost = 15;  // a look at such a hash takes seconds
constexpr const char* a_proxy =
    "tocsin's port speaks plain HTTP: put a proxy that speaks TLS before it, and keep "
    "web.listen on loopback";

struct WebFile {
  std::vector<std::pair<std::string, core::Secret>> users;
  core::Place place;
};

/// What is wrong with a hash, in words that follow the user's name.
std::optional<std::string> hash_problem(const std::string& hash) {
  const auto of_hash = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
  };
  const bool known = hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
  const auto cost = known && hash.size() > 6 ? core::parse_number<int>(hash.substr(4, 2)) : std::nullopt;
  if (hash.size() != 60 || !cost || *cost < 4 || hash[6] != '$' || !std::all_of(hash.begin() + 7, hash.end(), of_hash))
    return "needs a bcrypt hash, such as `htpasswd -nBC 10 NAME` prints behind the colon";
  if (*cost > highest_cost) return "needs a bcrypt hash whose cost is at most " + std::to_string(highest_cost);
  return std::nullopt;
}

core::Type<core::Secret> hash_type() {
  core::Type<core::Secret> type;
  type.shape = core::fields::text_shape("bcrypt hash", "");
  type.read = [](FieldReader& reader, const core::YamlNode& node, core::Secret& into) {
    reader.conceal(node.at);
    auto text = reader.scalar(node, "a bcrypt hash");
    if (!text) return false;
    if (const auto wrong = hash_problem(*text)) {
      reader.key_error(node.at, *wrong);
      return false;
    }
    into = core::Secret(std::move(*text));
    return true;
  };
  type.write = [](const core::Secret&) { return core::yaml_text("<secret>"); };
  return type;
}

core::Section<WebFile> web_file_table() {
  return core::Section<WebFile>("web configuration", "Who may use the port.",
                                {core::field("basic_auth_users", &WebFile::users, core::map_of(hash_type(), "name"))
                                     .doc("Names, and for each the bcrypt hash of a password.")});
}

/// The exporters' other sections are known, and refused in words that help.
bool refuse_other_sections(FieldReader& reader, core::YamlNode& root) {
  bool good = true;
  std::erase_if(root.entries, [&](const auto& entry) {
    const auto& [key, value] = entry;
    const bool other = key.scalar == "tls_server_config" || key.scalar == "http_server_config";
    if (other) {
      reader.error(key.at, "\"" + key.scalar + "\" is not taken (" + a_proxy + ")");
      good = false;
    }
    return other;
  });
  return good;
}

}  // namespace

WebUsers read_web_users(const std::string& path, const core::Place& root, const Loading& loading) {
  if (!read_file(path)) {
    loading.missing(root, root.of("web"), "the file of users " + path + " cannot be read");
    return {};
  }
  auto document = core::load_yaml(path, loading.diagnostics);
  FieldReader reader(document.file, loading.diagnostics);  // `$` means nothing: hashes are full of it
  WebFile file;
  if (!refuse_other_sections(reader, document.root)) return {};
  web_file_table().read(reader, document.root, file);
  if (file.users.empty() && !loading.diagnostics.has_errors())
    reader.warning(document.root.at, "there is nobody in \"basic_auth_users\": the port wants no login");
  if (file.users.size() > most_users)
    reader.error(document.root.at, "there are more than " + std::to_string(most_users) + " users");
  for (const auto& [name, hash] : file.users) {
    if (name.empty() || name.find(':') != std::string::npos)
      reader.error(document.root.at, "a user's name is not empty, and has no colon");
  }
  return std::move(file.users);
}

}  // namespace tocsin::daemon
