// The tables of the database, and their versions.
#pragma once

#include <cstdint>
#include <string>

#include "src/sqlite.hpp"

namespace tocsin::state {

inline constexpr std::int64_t schema_version = 4;

/// Opens or makes the database at `path` for writing, checks what a start reads, and gives it the tables that it lacks.
[[nodiscard]] SqlResult<Database> open_database(const std::string& path);
/// For reading alone, on a connection of its own.
[[nodiscard]] SqlResult<Database> open_reader(const std::string& path);
/// Looks at the whole file; an error if it is not sound.
[[nodiscard]] SqlResult<void> check(Database& database);
/// True of an error that means that the file is not, or no longer, what we wrote.
[[nodiscard]] bool is_damage(const SqlError& error);
/// Copies into `sound`, just made, what can be read of the file at `path`: tables of the journal that are whole, and
/// of the others each row that is. What it could not copy is named in words; empty if that is nothing.
[[nodiscard]] std::string salvage(const std::string& path, Database& sound);

}  // namespace tocsin::state
