// Writing JSON: just what the API needs, straight into a string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/labels.hpp"

namespace tocsin::daemon {

/// Builds one JSON document. Commas are put in by itself; keys and values must alternate as JSON wants them.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& number(double value);
  JsonWriter& integer(long long value);
  JsonWriter& boolean(bool value);
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);
  /// {"name":"value",...}
  JsonWriter& labels(const core::Labels& labels);
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char c);
  JsonWriter& close(char c);
  void separate();

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace tocsin::daemon
