// Places in files, and what is wrong there, told as a compiler tells it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::core {

/// A file's text and name, kept so that an error can show its line.
struct SourceFile {
  std::string name;
  std::string text;
};

/// Line and column, from 1; 0 means "the file as a whole".
struct Position {
  std::size_t line = 0;
  std::size_t column = 0;
};

struct Diagnostic {
  enum class Severity { error, warning };
  std::shared_ptr<const SourceFile> file;
  Position at;
  Severity severity = Severity::error;
  std::string
      message;  // what is wrong, and in parentheses what to do: `unknown key "treshold" (did you mean "threshold"?)`
  std::vector<std::size_t> secrets{};  // columns of the line at which a secret begins

  /// `file:line:col: message`, then the source line and a caret under the column; long lines are cut around it. Secrets
  /// in the line are not shown: those it was told of, the user info of URLs, and what stands behind keys such as
  /// `password`.
  [[nodiscard]] std::string render() const;
};

/// All that was found wrong. Bounded: after 100 the rest is only counted.
class Diagnostics {
 public:
  void error(std::shared_ptr<const SourceFile> file, Position at, std::string message);
  void warning(std::shared_ptr<const SourceFile> file, Position at, std::string message);
  /// A secret begins here: no excerpt shows it, whether its diagnostic came before or comes later.
  void conceal(const std::shared_ptr<const SourceFile>& file, Position at);
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  /// Every diagnostic rendered, in order of file and line.
  [[nodiscard]] std::string render() const;

 private:
  void add(Diagnostic diagnostic);
  std::vector<Diagnostic> all_;
  std::vector<std::pair<std::shared_ptr<const SourceFile>, Position>> secrets_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

/// The candidate nearest to `word` (edit distance at most a third of its length; case, `-` and `_` do not count), or
/// empty.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace tocsin::core
