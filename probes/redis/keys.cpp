#include "redis/keys.hpp"

#include <algorithm>
#include <utility>

#include "redis/number.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t longest_name = 1'024;
constexpr std::size_t most_groups = 100;

constexpr Shape key_size{"redis_key_size", {"db", "key"}};
constexpr Shape keys_count{"redis_keys_count", {"db", "key"}};
constexpr Shape keys_measured{"tocsin_redis_keys_measured"};
constexpr Shape keys_left_out{"tocsin_redis_keys_left_out"};
constexpr Shape rounds_cut{"tocsin_redis_key_rounds_cut_total"};

struct StreamField {
  std::string_view key;
  Shape shape;
  bool is_id = false;
};
constexpr std::array<std::string_view, 4> of_stream{"db", "stream"};
constexpr std::array<std::string_view, 4> of_group{"db", "stream", "group"};
constexpr StreamField stream_fields[] = {
    {"length", {"redis_stream_length", of_stream}},
    {"radix-tree-keys", {"redis_stream_radix_tree_keys", of_stream}},
    {"radix-tree-nodes", {"redis_stream_radix_tree_nodes", of_stream}},
    {"last-generated-id", {"redis_stream_last_generated_id", of_stream}, true},
    {"max-deleted-entry-id", {"redis_stream_max_deleted_entry_id", of_stream}, true},
    {"entries-added", {"redis_stream_entries_added_total", of_stream}},
    {"groups", {"redis_stream_groups", of_stream}},
};
constexpr StreamField entry_fields[] = {
    {"first-entry", {"redis_stream_first_entry_id", of_stream}, true},
    {"last-entry", {"redis_stream_last_entry_id", of_stream}, true},
};
constexpr StreamField group_fields[] = {
    {"consumers", {"redis_stream_group_consumers", of_group}},
    {"pending", {"redis_stream_group_messages_pending", of_group}},
    {"last-delivered-id", {"redis_stream_group_last_delivered_id", of_group}, true},
    {"entries-read", {"redis_stream_group_entries_read", of_group}},
    {"lag", {"redis_stream_group_lag", of_group}},
};

/// 1638006862521-0: milliseconds and a number.
std::optional<double> id_time(std::string_view id) { return whole_number(id.substr(0, id.find('-'))); }

std::optional<double> value_of(const StreamField& field, const Reply& reply) {
  return field.is_id ? id_time(reply.text()) : reply.number();
}

std::string database_label(unsigned database) { return "db" + std::to_string(database); }

bool is_off(std::string_view command, const CommandNames& names) {
  const auto renamed = names.find(std::string(command));
  return renamed != names.end() && renamed->second.empty();
}

}  // namespace

/// Commands in order, with a SELECT wherever the database changes.
class KeyLengths::Builder {
 public:
  Builder(const CommandNames& names, unsigned home) : names_(names), home_(home), database_(home) {}

  void select(unsigned database) {
    if (database == database_) return;
    const std::string number = std::to_string(database);
    add({Command::Kind::select, database}, {"SELECT", number});
    database_ = database;
  }
  void add(Command command, std::vector<std::string_view> words) {
    append_named(commands_.request, std::move(words), names_);
    commands_.list.push_back(command);
  }
  Commands finish() {
    select(home_);
    return std::move(commands_);
  }

 private:
  const CommandNames& names_;
  unsigned home_;
  unsigned database_;
  Commands commands_;
};

std::optional<KeyPattern> parse_key_pattern(std::string_view text, unsigned database) {
  KeyPattern found{database, {}, false};
  if (text.starts_with("db")) {
    const auto end = text.find_first_not_of("0123456789", 2);
    const auto number = end != std::string_view::npos && (text[end] == '/' || text[end] == '=')
                            ? core::parse_number<unsigned>(text.substr(2, end - 2))
                            : std::nullopt;
    if (number) {
      found.database = *number;
      text.remove_prefix(end + 1);
    }
  }
  if (text.empty()) return std::nullopt;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      found.glob = true;
    }
    plain += text[i];
  }
  found.pattern = found.glob ? std::string(text) : plain;
  return found;
}

KeyLengths::KeyLengths(const core::Labels& base, const CommandNames& names, const std::vector<std::string>& patterns,
                       Bounds bounds, unsigned home)
    : names_(names), bounds_(bounds), home_(home), samples_(base, nullptr, 10 * bounds.most_keys + 1'000) {
  for (const std::string& text : patterns) {
    auto pattern = parse_key_pattern(text, home);
    if (!pattern) continue;
    databases_.insert(pattern->database);
    if (!pattern->glob && keys_.size() < bounds_.most_keys) {
      const auto fresh = index_.try_emplace({pattern->database, pattern->pattern}, keys_.size()).second;
      if (fresh) keys_.push_back(Key{.database = pattern->database, .name = pattern->pattern});
    }
    patterns_.push_back(Pattern{.what = std::move(*pattern), .refused = is_off("scan", names)});
  }
}

void KeyLengths::begin(bool fresh) {
  if (std::exchange(pass_ended_, false)) sweep();
  scans_left_ = bounds_.scans;
  there_ = home_;
  astray_ = false;
  if (fresh) refused_databases_.clear();
  for (Pattern& pattern : patterns_) {
    pattern.scanned = false;
    if (fresh) pattern.refused = is_off("scan", names_);
  }
  for (Key& key : keys_) {
    key.typed = false;
    key.length.reset();
    key.stream.clear();
    key.groups.clear();
    if (fresh) key.refused = false;
    const bool known = key.type >= Type::string;
    key.need = key.refused ? Need::nothing : known ? Need::length : Need::type;
  }
}

KeyLengths::Commands KeyLengths::next(bool in_time) {
  Builder builder(names_, home_);
  const bool any_key = std::ranges::any_of(keys_, [](const Key& key) { return key.need != Need::nothing; });
  if (!in_time) {
    if (any_key) cut_short();
    return {};
  }
  for (const unsigned database : databases_) {
    if (refused_databases_.contains(database)) continue;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].database == database && keys_[i].need != Need::nothing) ask_key(builder, i);
    }
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (patterns_[i].what.database == database) ask_scan(builder, i);
    }
  }
  return builder.finish();
}

void KeyLengths::ask_key(Builder& builder, std::size_t number) {
  Key& key = keys_[number];
  const std::string_view name = key.name;
  const Need need = std::exchange(key.need, Need::nothing);
  builder.select(key.database);
  if (need == Need::type) return builder.add({Command::Kind::type, number}, {"TYPE", name});
  if (need == Need::details) {
    builder.add({Command::Kind::stream, number}, {"XINFO", "STREAM", name});
    return builder.add({Command::Kind::groups, number}, {"XINFO", "GROUPS", name});
  }
  constexpr std::string_view commands[] = {{}, {}, {}, "STRLEN", "LLEN", "SCARD", "ZCARD", "HLEN", "XLEN"};
  builder.add({Command::Kind::length, number}, {commands[static_cast<std::size_t>(key.type)], name});
}

void KeyLengths::ask_scan(Builder& builder, std::size_t number) {
  Pattern& pattern = patterns_[number];
  if (!pattern.what.glob || pattern.scanned || pattern.refused || scans_left_ == 0) return;
  --scans_left_;
  builder.select(pattern.what.database);
  const std::string count = std::to_string(bounds_.count);
  builder.add({Command::Kind::scan, number}, {"SCAN", pattern.cursor, "MATCH", pattern.what.pattern, "COUNT", count});
}

void KeyLengths::answered(Command command, const Reply& reply) {
  const bool error = reply.kind() == Reply::Kind::error;
  if (command.kind == Command::Kind::select) {
    const auto database = static_cast<unsigned>(command.number);
    if (!error) there_ = database;
    if (error && database != home_) refused_databases_.insert(database);
    astray_ = there_ != database;
    return;
  }
  if (astray_) return;
  if (command.kind == Command::Kind::scan) return scanned(patterns_[command.number], command.number, reply);
  Key& key = keys_[command.number];
  if (error) return failed(key, reply.text());
  switch (command.kind) {
    case Command::Kind::type:
      return typed(key, reply);
    case Command::Kind::length:
      return measured(key, reply);
    case Command::Kind::stream:
      return stream_told(key, reply);
    default:
      return groups_told(key, reply);
  }
}

void KeyLengths::failed(Key& key, std::string_view error) {
  if (error.starts_with("WRONGTYPE")) {  // it was another kind of key when its type was asked
    key.type = Type::unknown;
    if (!key.typed) key.need = Need::type;
    return;
  }
  // "Not now" passes by itself. All else will be so next time too: another node's key, a right that is missing.
  constexpr std::string_view passing[] = {"LOADING",     "MASTERDOWN", "TRYAGAIN",
                                          "CLUSTERDOWN", "ASK ",       "ERR no such key"};
  const auto passes = [error](std::string_view beginning) { return error.starts_with(beginning); };
  if (std::ranges::none_of(passing, passes)) key.refused = true;
}

void KeyLengths::typed(Key& key, const Reply& reply) {
  constexpr std::pair<std::string_view, Type> words[] = {
      {"none", Type::missing}, {"string", Type::string}, {"list", Type::list},    {"set", Type::set},
      {"zset", Type::zset},    {"hash", Type::hash},     {"stream", Type::stream}};
  key.typed = true;
  const auto* const word = std::ranges::find(words, reply.text(), &std::pair<std::string_view, Type>::first);
  key.type = word != std::end(words) ? word->second : Type::other;
  if (key.type >= Type::string) key.need = Need::length;
}

void KeyLengths::measured(Key& key, const Reply& reply) {
  const auto length = reply.number();
  if (!length) return;
  const bool may_be_empty = key.type == Type::string || key.type == Type::stream;
  if (*length <= 0 && !(may_be_empty && key.typed)) {
    // Not there, as far as this says; an empty string and an empty stream look the same.
    if (may_be_empty) {
      key.need = Need::type;
    } else {
      key.type = Type::missing;
    }
    return;
  }
  key.length = length;
  if (key.type == Type::stream) key.need = Need::details;
}

void KeyLengths::stream_told(Key& key, const Reply& reply) {
  key.stream.clear();
  for (const StreamField& field : stream_fields) {
    if (const auto value = value_of(field, reply.get(field.key))) key.stream.emplace_back(&field.shape, *value);
  }
  for (const StreamField& field : entry_fields) {
    // An entry is its id and its fields; an empty stream has none, which redis_exporter calls 0.
    key.stream.emplace_back(&field.shape, value_of(field, reply.get(field.key)[0]).value_or(0));
  }
}

void KeyLengths::groups_told(Key& key, const Reply& reply) {
  key.groups.clear();
  for (const Reply group : reply) {
    if (key.groups.size() >= most_groups) break;
    Key::Group told;
    told.name = label_text(group.get("name").text());
    for (const StreamField& field : group_fields) {
      if (const auto value = value_of(field, group.get(field.key))) told.numbers.emplace_back(&field.shape, *value);
    }
    if (!told.name.empty()) key.groups.push_back(std::move(told));
  }
}

void KeyLengths::scanned(Pattern& pattern, std::size_t number, const Reply& reply) {
  const auto cursor = reply[0].text();
  if (!reply.is_list() || !core::parse_number<std::uint64_t>(cursor)) {
    const auto text = reply.text();
    const bool passing = text.starts_with("LOADING") || text.starts_with("MASTERDOWN");
    pattern.scanned = true;
    pattern.refused = !passing;
    return;
  }
  for (const Reply name : reply[1]) found(pattern, number, name.text());
  pattern.cursor = cursor;
  if (cursor != "0") return;
  pattern.count = static_cast<double>(pattern.found + pattern.skipped);
  pattern.left_out = std::exchange(pattern.skipped, 0);
  pattern.found = 0;
  pattern.scanned = true;
  ++pattern.pass;
  pass_ended_ = true;
}

void KeyLengths::found(Pattern& pattern, std::size_t number, std::string_view name) {
  const auto known = index_.find(std::pair(pattern.what.database, std::string(name)));
  if (known != index_.end()) {
    Key& key = keys_[known->second];
    const bool mine = key.pattern == number;
    if (mine && key.pass == pattern.pass) return;  // SCAN may give a key more than once
    ++pattern.found;
    if (mine) key.pass = pattern.pass;
    return;
  }
  if (keys_.size() >= bounds_.most_keys || name.size() > longest_name) {
    ++pattern.skipped;
    return;
  }
  ++pattern.found;
  index_.try_emplace({pattern.what.database, std::string(name)}, keys_.size());
  keys_.push_back(
      Key{.database = pattern.what.database, .name = std::string(name), .pattern = number, .pass = pattern.pass});
}

void KeyLengths::sweep() {
  std::erase_if(keys_, [this](const Key& key) { return key.pattern && key.pass + 1 < patterns_[*key.pattern].pass; });
  index_.clear();
  for (std::size_t i = 0; i < keys_.size(); ++i) index_.try_emplace({keys_[i].database, keys_[i].name}, i);
}

void KeyLengths::append(core::SeriesTable& table) {
  if (empty()) return;
  samples_.begin();
  std::size_t left_out = 0;
  std::size_t count = 0;
  for (const Pattern& pattern : patterns_) {
    left_out += pattern.left_out;
    if (pattern.count)
      samples_.add(keys_count, {database_label(pattern.what.database), pattern.what.pattern}, *pattern.count);
  }
  for (const Key& key : keys_) {
    if (!key.length) continue;
    ++count;
    const std::string database = database_label(key.database);
    samples_.add(key_size, {database, key.name}, *key.length);
    for (const auto& [shape, value] : key.stream) samples_.add(*shape, {database, key.name}, value);
    for (const Key::Group& group : key.groups) {
      for (const auto& [shape, value] : group.numbers) samples_.add(*shape, {database, key.name, group.name}, value);
    }
  }
  samples_.add(keys_measured, {}, static_cast<double>(count));
  samples_.add(keys_left_out, {}, static_cast<double>(left_out));
  samples_.add(rounds_cut, {}, cut_);
  samples_.end();
  samples_.append(table);
}

core::Result<void> KeyExchange::answer(std::size_t number, const Reply& reply) {
  keys_.answered(commands_.list[number], reply);
  return {};
}

std::string_view KeyExchange::name(std::size_t number) const {
  constexpr std::string_view names[] = {"SELECT",       "TYPE",         "a question for a key's length",
                                        "XINFO STREAM", "XINFO GROUPS", "SCAN"};
  return names[static_cast<std::size_t>(commands_.list[number].kind)];
}

}  // namespace tocsin::probes::redis
