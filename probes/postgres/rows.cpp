#include "postgres/rows.hpp"

#include <algorithm>
#include <limits>

#include "tocsin/core/number.hpp"

namespace tocsin::probes::postgres {

std::optional<std::size_t> Rows::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

Rows::Cell Rows::at(std::size_t row, std::string_view name) const {
  const auto col = column(name);
  return col ? at(row, *col) : Cell();
}

std::optional<double> Rows::number(std::size_t row, std::size_t col) const {
  const Cell& cell = at(row, col);
  return cell ? parse_number(*cell) : std::nullopt;
}

std::optional<double> Rows::number(std::size_t row, std::string_view name) const {
  const auto col = column(name);
  return col ? number(row, *col) : std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  if (text == "t" || text == "true") return 1;
  if (text == "f" || text == "false") return 0;
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '.')) return std::nullopt;
  if (text.size() < 16) {
    // Most of what servers count is a whole number: that is read faster.
    if (const auto whole = core::parse_number<std::int64_t>(text)) return static_cast<double>(*whole);
  }
  return core::parse_number<double>(text);
}

OwnedRows make_rows(const std::vector<std::string>& columns,
                    const std::vector<std::vector<std::optional<std::string>>>& cells) {
  OwnedRows owned;
  for (const std::string& column : columns) owned.rows.columns.emplace_back(owned.texts.emplace_back(column));
  owned.rows.types.resize(columns.size());
  for (const auto& row : cells) {
    for (std::size_t col = 0; col < columns.size(); ++col) {
      if (col >= row.size() || !row[col]) {
        owned.rows.cells.emplace_back();
      } else {
        owned.rows.cells.emplace_back(owned.texts.emplace_back(*row[col]));
      }
    }
  }
  return owned;
}

}  // namespace tocsin::probes::postgres
