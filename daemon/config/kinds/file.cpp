#include "config/kinds/file.hpp"

#include "config/kinds/kind.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::maybe;
using model::FileKeys;

namespace {

std::vector<core::Field<FileKeys>> file_rows() {
  return {
      field("max_age", &FileKeys::max_age)
          .doc("How long ago the newest file that matches may have been changed.")
          .least(Duration{1}),
      field("min_size", &FileKeys::min_size, maybe(core::byte_count())).doc("How large the newest file must be."),
      field("max_size", &FileKeys::max_size, maybe(core::byte_count())).doc("How large the newest file may be."),
      field("min_count", &FileKeys::min_count).doc("How many files must match.").fallback("`1`"),
      field("max_count", &FileKeys::max_count).doc("How many files may match."),
  };
}

bool make_file(const Making& making, const std::string& text, TargetConfig& target) {
  constexpr std::string_view scheme = "file://";
  const std::string path = text.starts_with(scheme) ? text.substr(scheme.size()) : text;
  if (!path.starts_with('/'))
    return making.wrong("a file is written with three slashes: file:///path (*, ? and [...] match names)");
  const FileKeys& keys = making.probe.file;
  probes::FileOptions options;
  options.pattern = path;
  options.expect.max_age = keys.max_age;
  options.expect.min_size = keys.min_size;
  options.expect.max_size = keys.max_size;
  options.expect.min_count = keys.min_count.value_or(1);
  options.expect.max_count = keys.max_count;
  if (keys.max_count && *keys.max_count < options.expect.min_count)
    return making.wrong("max_count", "\"max_count\" is smaller than \"min_count\"");
  target.sentinel = false;
  target.display = "file://" + path;
  target.labels.set("instance", path);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind file_kind() {
  Kind kind;
  kind.name = "file";
  kind.schemes = {"file"};
  kind.fields = core::fields_of(&model::Probe::file, file_rows());
  kind.make = make_file;
  return kind;
}

}  // namespace tocsin::daemon
