#include "src/unit_text.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace tocsin::daemon {
namespace {

std::optional<std::string> read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

std::optional<UnitText> read_unit(const std::vector<std::string>& units,
                                  const std::vector<std::string>& drop_in_folders) {
  UnitText unit;
  for (const std::string& path : units) {
    if (auto text = read_text(path)) {
      unit = {path, std::move(*text)};
      break;
    }
  }
  if (unit.path.empty()) return std::nullopt;
  std::map<std::string, std::filesystem::path> drop_ins;  // of two with one name the earlier folder's counts
  for (const std::string& folder : drop_in_folders) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".conf") drop_ins.emplace(entry.path().filename().string(), entry.path());
    }
  }
  for (const auto& [name, path] : drop_ins) {
    if (const auto text = read_text(path)) unit.text.append("\n").append(*text);
  }
  return unit;
}

std::optional<UnitText> read_own_unit() {
  std::vector<std::string> units, folders;
  for (const char* const folder :
       {"/etc/systemd/system/", "/run/systemd/system/", "/usr/local/lib/systemd/system/", "/usr/lib/systemd/system/"}) {
    units.push_back(std::string(folder).append("tocsin.service"));
    folders.push_back(std::string(folder).append("tocsin.service.d"));
  }
  return read_unit(units, folders);
}

}  // namespace tocsin::daemon
