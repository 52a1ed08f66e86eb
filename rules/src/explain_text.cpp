// An explanation as lines for a terminal: read by somebody who was asleep a minute ago.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain_parts.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/explain.hpp"

namespace tocsin::rules {
namespace {

constexpr std::size_t least_width = 40;

/// Columns that a text takes: bytes that begin a character.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// Nothing that moves the cursor: labels come from others.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t') {
      out += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      out += '?';
    } else {
      out += c;
    }
  }
  return out;
}

class TextWriter {
 public:
  explicit TextWriter(std::size_t width) : width_(std::max(width, least_width)) {}

  /// Folds at blanks; further lines begin with `rest`.
  void line(const std::string& first, const std::string& rest, std::string_view raw) {
    std::string text = printable(raw);
    std::string_view left = text;
    const std::string* lead = &first;
    for (;;) {
      const std::size_t room = width_ > columns(*lead) + 20 ? width_ - columns(*lead) : 20;
      const std::size_t cut = fold(left, room);
      std::string whole = *lead + std::string(left.substr(0, cut));
      whole.erase(whole.find_last_not_of(' ') + 1);
      out_ += whole + "\n";
      left.remove_prefix(cut);
      while (left.starts_with(' ')) left.remove_prefix(1);
      if (left.empty()) return;
      lead = &rest;
    }
  }
  void line(const std::string& indent, std::string_view text) { line(indent, indent + "  ", text); }
  void blank() { out_ += "\n"; }

  /// A node and what is below it. `first` begins its own line, `rest` those below.
  void tree(const ExplainedNode& node, const std::string& first, const std::string& rest) {
    line(first, rest + "  ", node.expression + result(node));
    const std::string below = rest + (node.children.empty() ? "   " : "│  ");
    // What a part of it could not do is said there.
    const bool inherited = std::any_of(node.children.begin(), node.children.end(),
                                       [&](const ExplainedNode& child) { return child.error == node.error; });
    if (!node.error.empty() && !inherited) line(below, "! " + node.error);
    if (node.type != promql::ValueType::scalar) {
      for (const ExplainedSample& sample : node.samples) line(below, sample_text(sample));
      if (node.count > node.samples.size() && !node.samples.empty()) {
        line(below, fmt::format("... and {} more", node.count - node.samples.size()));
      }
    }
    for (const std::string& note : node.notes) line(below, "* " + note);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool last = i + 1 == node.children.size();
      tree(node.children[i], rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "));
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  /// How many bytes go into `room` columns; at least one character.
  static std::size_t fold(std::string_view text, std::size_t room) {
    if (columns(text) <= room) return text.size();
    std::size_t end = 0;
    std::size_t blank = 0;
    std::size_t used = 0;
    while (end < text.size() && used < room) {
      if (text[end] == ' ' && used > 0) blank = end;
      ++end;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) ++end;
      ++used;
    }
    // A long word is cut where it has to be, not after two letters of a line.
    return blank > room / 3 ? blank : end;
  }
  static std::string result(const ExplainedNode& node) {
    if (!node.error.empty()) return "   failed";
    switch (node.type) {
      case promql::ValueType::scalar:
        return node.kind == ExplainedNode::Kind::number || node.samples.empty()
                   ? std::string()
                   : "   = " + number_text(node.samples.front().value);
      case promql::ValueType::string:
        return {};
      default:
        return "   " + counted(node.count, "series", "series");
    }
  }
  static std::string sample_text(const ExplainedSample& sample) {
    std::string out = number_text(sample.value);
    out.resize(std::max<std::size_t>(out.size(), 10), ' ');
    out += "  " + sample.labels.without_name().to_string();
    if (sample.samples > 0) {
      out += fmt::format("  (the newest of {})", counted(sample.samples, "sample", "samples"));
    }
    if (sample.age) out += fmt::format("  {} old", span_text(*sample.age));
    return out;
  }

  std::size_t width_;
  std::string out_;
};

void write_head(const Explanation& explanation, TextWriter& out) {
  out.line("", explanation.verdict);
  out.line("  ", fmt::format("at    {}", core::format_rfc3339(explanation.at)));
  std::string rule = explanation.query;
  if (explanation.hold.count() > 0) rule += "   for " + core::format_duration(explanation.hold);
  if (explanation.keep_firing.count() > 0)
    rule += "   keep_firing_for " + core::format_duration(explanation.keep_firing);
  out.line("  ", "        ", "rule  " + rule);
  if (!explanation.error.empty()) {
    out.line("  ", "        ", (explanation.health == Health::err ? "error " : "note  ") + explanation.error);
  }
  for (const std::string& note : explanation.notes) out.line("  ", "        ", "note  " + note);
}

void write_alerts(const Explanation& explanation, TextWriter& out) {
  if (explanation.alerts.empty()) return;
  out.blank();
  for (const ExplainedAlert& one : explanation.alerts) {
    const bool other = one.alert.rule != explanation.rule && !one.alert.rule.empty();
    out.line("  ", "    ",
             fmt::format("{}  {}{}", to_string(one.alert.state) == "firing" ? "FIRING " : "pending",
                         other ? one.alert.rule : "", labels_text(one.alert.labels)));
    out.line("           ", one.words);
  }
  const std::size_t more = explanation.firing + explanation.pending - explanation.alerts.size();
  if (more > 0) out.line("  ", fmt::format("... and {} more alerts", more));
}

std::string series_text(const ExplainedLine& line, const ExplainedSeries& series,
                        const std::optional<std::pair<unsigned, unsigned>>& breaches) {
  if (!series.value) {
    std::string out = "no data   " + series.labels.to_string();
    if (series.missing_since) out += "  since " + core::format_rfc3339(*series.missing_since);
    return out + (series.on ? ", was beyond" : ", was not beyond");
  }
  std::string out = number_text(*series.value);
  out.resize(std::max<std::size_t>(out.size(), 10), ' ');
  out += "  " + series.labels.to_string();
  if (series.held_on) {
    out += ", still on: it has not passed the limit that clears it";
  } else {
    out += series.on ? ", beyond" : ", not beyond";
  }
  const double limit = series.on && line.clear ? *line.clear : line.limit;
  const bool is_above = line.above == (series.distance > 0);
  if (series.distance == 0) {
    out += fmt::format(" (on the limit {})", number_text(limit));
  } else {
    out += fmt::format(" ({} {} {})", number_text(std::abs(series.distance)), is_above ? "above" : "below",
                       number_text(limit));
  }
  if (breaches) {
    out += fmt::format("; {} of {} periods, {} needed:", series.breaches, breaches->second, breaches->first);
    for (const auto& value : series.periods) out += " " + (value ? number_text(*value) : std::string("-"));
  }
  return out;
}

void write_lines(const Explanation& explanation, TextWriter& out) {
  const bool all = explanation.threshold && explanation.threshold->all;
  out.blank();
  out.line("", all ? "every line must hold:" : "one line must hold:");
  for (const ExplainedLine& line : explanation.lines) {
    out.line("  ", line.text + (line.count == 0 ? "   no data" : ""));
    const std::optional<std::pair<unsigned, unsigned>> none;
    for (const ExplainedSeries& series : line.series) {
      out.line("     ", series_text(line, series, explanation.threshold ? explanation.threshold->breaches : none));
    }
    if (line.count > line.series.size())
      out.line("     ", fmt::format("... and {} more", line.count - line.series.size()));
    if (line.count == 0 || !line.expression.error.empty()) out.tree(line.expression, "     └─ ", "        ");
  }
}

}  // namespace

std::string to_text(const Explanation& explanation, std::size_t width) {
  TextWriter out(width);
  write_head(explanation, out);
  write_alerts(explanation, out);
  if (explanation.expression) {
    out.blank();
    out.tree(*explanation.expression, "", "");
  }
  if (!explanation.lines.empty()) write_lines(explanation, out);
  return out.take();
}

}  // namespace tocsin::rules
