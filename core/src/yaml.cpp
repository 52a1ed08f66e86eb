#include "tocsin/core/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "printable.hpp"

namespace tocsin::core {
namespace {

constexpr std::size_t max_depth = 64;
constexpr std::size_t max_nodes = 1'000'000;
constexpr std::size_t max_expanded = 100'000;
constexpr std::size_t max_file = 16U * 1024 * 1024;

/// Thrown through yaml-cpp where reading on makes no sense; the reason has been reported.
struct Stop {};

Position position(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// Where each line begins, for looking at the text before a node.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text), starts_{0} {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }
  [[nodiscard]] std::string_view before(Position at) const {
    if (at.line == 0 || at.line > starts_.size()) return {};
    return text_.substr(starts_[at.line - 1], at.column - 1);
  }
  [[nodiscard]] std::string_view from(Position at) const {
    if (at.line == 0 || at.line > starts_.size()) return {};
    return text_.substr(std::min(starts_[at.line - 1] + at.column - 1, text_.size()));
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

/// Builds the tree from yaml-cpp's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const SourceFile> file, const Lines& lines, Diagnostics& diagnostics)
      : file_(std::move(file)), lines_(lines), diagnostics_(diagnostics) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.at = position(mark);
    put(std::move(node), anchor, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      error(position(mark), "an alias within the value that it stands for");
      throw Stop{};
    }
    expand(it->second.nodes, position(mark));
    put(it->second.node, 0, it->second.nodes);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.at = position(mark);
    node.scalar = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!node.quoted) refuse_tag(node.at, tag);
    put(std::move(node), anchor, 1);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::size_t nodes = 1;                           // in this tree so far
    std::optional<YamlNode> key;                     // of a map, until its value comes
    bool drop = false;                               // the key was no good, its value is not wanted
    std::unordered_map<std::string, Position> seen;  // keys of a map
    std::vector<YamlNode> merges;                    // values of `<<`
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes = 1;
  };

  void error(Position at, std::string message) { diagnostics_.error(file_, at, std::move(message)); }

  void refuse_tag(Position at, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return;
    error(at, "YAML tags such as " + tag + " are not understood here (leave it out)");
  }

  void expand(std::size_t nodes, Position at) {
    expanded_ += nodes;
    if (expanded_ <= max_expanded) return;
    error(at, "anchors and aliases make more than 100000 values");
    throw Stop{};
  }

  void count(std::size_t nodes, Position at) {
    nodes_ += nodes;
    if (nodes_ <= max_nodes) return;
    error(at, "more than 1000000 values in one file");
    throw Stop{};
  }

  void check_indentation(Position at) {
    if (at.line == tab_line_) return;
    const std::string_view before = lines_.before(at);
    if (before.find('\t') == std::string_view::npos || before.find_first_not_of(" \t") != std::string_view::npos)
      return;
    tab_line_ = at.line;
    error({at.line, before.find('\t') + 1}, "a tab in the indentation (use spaces)");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    Frame frame;
    frame.node.kind = kind;
    frame.node.at = position(mark);
    frame.anchor = anchor;
    refuse_tag(frame.node.at, tag);
    check_indentation(frame.node.at);
    count(1, frame.node.at);
    if (open_.size() >= max_depth) {
      error(frame.node.at, "nested deeper than 64 levels");
      throw Stop{};
    }
    open_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    for (const YamlNode& merged : frame.merges) merge(frame, merged);
    put(std::move(frame.node), frame.anchor, frame.nodes);
  }

  /// YAML 1.1's `<<`: what the map does not say itself comes from there.
  void merge(Frame& frame, const YamlNode& from) {
    for (const auto& entry : from.entries) {
      if (frame.seen.emplace(entry.first.scalar, entry.first.at).second) frame.node.entries.push_back(entry);
    }
  }

  void put(YamlNode node, YAML::anchor_t anchor, std::size_t nodes) {
    if (node.kind == YamlNode::Kind::scalar || node.kind == YamlNode::Kind::null) {
      count(nodes, node.at);
      if (node.kind == YamlNode::Kind::scalar) check_indentation(node.at);
    }
    if (anchor != 0) {
      expand(nodes, node.at);
      anchors_[anchor] = Anchored{node, nodes};
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    frame.nodes += nodes;
    if (frame.node.kind == YamlNode::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      put_key(frame, std::move(node));
    } else {
      put_value(frame, std::move(node));
    }
  }

  void put_key(Frame& frame, YamlNode key) {
    frame.drop = true;
    if (key.kind == YamlNode::Kind::null) {
      error(key.at, "a key must be text (write it in quotes)");
    } else if (key.kind != YamlNode::Kind::scalar) {
      error(key.at, "a key must be text, not a " + std::string(key.kind == YamlNode::Kind::map ? "map" : "list") +
                        " (a value that begins with { or [ needs quotes)");
    } else if (!key.quoted && key.scalar == "<<") {
      frame.drop = false;
    } else if (const auto [it, fresh] = frame.seen.emplace(key.scalar, key.at); !fresh) {
      error(key.at,
            "duplicate key \"" + key.scalar + "\" (the first is on line " + std::to_string(it->second.line) + ")");
    } else {
      frame.drop = false;
    }
    frame.key = std::move(key);
  }

  void put_value(Frame& frame, YamlNode value) {
    YamlNode key = std::move(*frame.key);
    frame.key.reset();
    if (frame.drop) return;
    // yaml-cpp gives an absent value the place of whatever comes next.
    if (value.kind == YamlNode::Kind::null) value.at = key.at;
    if (!key.quoted && key.scalar == "<<") return put_merge(frame, key, std::move(value));
    frame.node.entries.emplace_back(std::move(key), std::move(value));
  }

  void put_merge(Frame& frame, const YamlNode& key, YamlNode value) {
    if (value.kind == YamlNode::Kind::map) {
      frame.merges.push_back(std::move(value));
      return;
    }
    const bool maps = value.kind == YamlNode::Kind::list &&
                      std::all_of(value.items.begin(), value.items.end(),
                                  [](const YamlNode& item) { return item.kind == YamlNode::Kind::map; });
    if (!maps) return error(key.at, "<< merges a map or a list of maps");
    for (YamlNode& item : value.items) frame.merges.push_back(std::move(item));
  }

  std::shared_ptr<const SourceFile> file_;
  const Lines& lines_;
  Diagnostics& diagnostics_;
  YamlNode root_;
  std::vector<Frame> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t expanded_ = 0;
  std::size_t tab_line_ = 0;
};

/// Finds out whether, and where, another document begins.
class NextDocument : public YAML::EventHandler {
 public:
  struct Found {
    Position at;
  };
  void OnDocumentStart(const YAML::Mark& mark) override { throw Found{position(mark)}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

struct Saying {
  std::string_view theirs;
  std::string_view ours;
};

/// What yaml-cpp says, in words that help.
std::string in_our_words(const YAML::Exception& exception) {
  static const std::array<Saying, 16> sayings{{
      {YAML::ErrorMsg::MAP_VALUE,
       "\":\" cannot stand here (a value with \": \" in it needs quotes; or the indentation is wrong)"},
      {YAML::ErrorMsg::MAP_KEY, "a key cannot stand here (is the indentation wrong?)"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "\"- \" cannot stand here (is the indentation wrong?)"},
      {YAML::ErrorMsg::END_OF_MAP, "a key is wanted here (is the indentation wrong, or a \":\" missing?)"},
      {YAML::ErrorMsg::END_OF_SEQ, "\"- \" is wanted here (is the indentation wrong?)"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a { has no }"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a [ has no ]"},
      {YAML::ErrorMsg::FLOW_END, "this bracket closes none (a value with a bracket in it needs quotes)"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "a quote is not closed"},
      {YAML::ErrorMsg::DOC_IN_SCALAR, "a quote is not closed"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a value cannot begin with this character (put it in quotes)"},
      {YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab in the indentation (use spaces)"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR,
       "an alias (*name) without an anchor (&name) before it (a value that begins with * needs quotes)"},
      {YAML::ErrorMsg::ALIAS_NOT_FOUND, "a value that begins with * needs quotes"},
      {YAML::ErrorMsg::ANCHOR_NOT_FOUND, "a value that begins with & needs quotes"},
      {YAML::ErrorMsg::CHAR_IN_ALIAS, "a value that begins with * needs quotes"},
  }};
  for (const Saying& saying : sayings) {
    if (std::string_view(exception.msg).starts_with(saying.theirs)) return std::string(saying.ours);
  }
  return "this is not YAML: " + exception.msg;
}

void report(const std::shared_ptr<const SourceFile>& file, const Lines& lines, const YAML::Exception& exception,
            Diagnostics& diagnostics) {
  const Position at = position(exception.mark);
  // A tab in the indentation makes yaml-cpp stumble over what comes next; name the cause.
  const std::string_view line = lines.from({at.line, 1});
  const std::string_view indentation = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (const auto tab = indentation.find('\t'); at.line > 0 && tab != std::string_view::npos) {
    const bool known = std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                                   [&](const Diagnostic& d) { return d.file == file && d.at.line == at.line; });
    if (!known) diagnostics.error(file, {at.line, tab + 1}, "a tab in the indentation (use spaces)");
    return;
  }
  diagnostics.error(file, at, in_our_words(exception));
}

/// The first byte that YAML does not allow: yaml-cpp would stop at some of them as if the file ended there.
bool readable(const std::shared_ptr<const SourceFile>& file, std::string_view text, Diagnostics& diagnostics) {
  const auto bad = find_unprintable(text);
  if (!bad) return true;
  const auto line =
      static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad->offset), '\n'));
  const auto start = line == 0 ? 0 : text.rfind('\n', bad->offset - 1) + 1;
  diagnostics.error(
      file, {line + 1, bad->offset - start + 1},
      bad->invalid ? "not UTF-8 text" : "a control character in the text (in double quotes write it as \\x..)");
  return false;
}

void look_for_more(YAML::Parser& parser, const std::shared_ptr<const SourceFile>& file, const Lines& lines,
                   Diagnostics& diagnostics) {
  try {
    NextDocument next;
    parser.HandleNextDocument(next);
  } catch (const NextDocument::Found& found) {
    if (lines.from(found.at).starts_with("---")) {
      diagnostics.warning(file, found.at, "a second document begins here; it is not read");
    } else {
      diagnostics.error(file, found.at, "this does not belong to what stands above (is the indentation wrong?)");
    }
  }
}

}  // namespace

YamlNode::YamlNode() = default;
YamlNode::YamlNode(const YamlNode& other) = default;
YamlNode::YamlNode(YamlNode&& other) noexcept = default;
YamlNode& YamlNode::operator=(const YamlNode& other) = default;
YamlNode& YamlNode::operator=(YamlNode&& other) noexcept = default;
YamlNode::~YamlNode() = default;

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.scalar == key) return &value;
  }
  return nullptr;
}

YamlDocument parse_yaml(std::shared_ptr<const SourceFile> file, Diagnostics& diagnostics) {
  YamlDocument document{file, {}};
  std::string_view text = file->text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.size() > max_file) {
    diagnostics.error(file, {}, "larger than 16 MiB");
    return document;
  }
  if (!readable(file, text, diagnostics)) return document;
  const Lines lines(text);
  std::istringstream in{std::string(text)};
  try {
    YAML::Parser parser(in);
    TreeBuilder builder(file, lines, diagnostics);
    parser.HandleNextDocument(builder);
    document.root = builder.take();
    look_for_more(parser, file, lines, diagnostics);
  } catch (const YAML::Exception& exception) {
    report(file, lines, exception, diagnostics);
  } catch (const Stop&) {
    document.root = {};
  }
  return document;
}

YamlDocument load_yaml(const std::string& path, Diagnostics& diagnostics) {
  const auto unreadable = [&diagnostics, &path](std::string why) {
    auto file = std::make_shared<const SourceFile>(SourceFile{path, {}});
    diagnostics.error(file, {}, std::move(why));
    return YamlDocument{std::move(file), {}};
  };
  std::ifstream in(path, std::ios::binary);
  if (!in) return unreadable("cannot be read");
  std::string text;
  std::array<char, 64 * 1024> buffer{};
  while (in.read(buffer.data(), buffer.size()), in.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_file) return unreadable("larger than 16 MiB");
  }
  if (in.bad()) return unreadable("cannot be read");  // a folder opens, but does not read
  return parse_yaml(std::make_shared<const SourceFile>(SourceFile{path, std::move(text)}), diagnostics);
}

}  // namespace tocsin::core
