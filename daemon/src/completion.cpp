#include "src/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace tocsin::daemon {
namespace {

using Visit = std::function<void(const OutlinedCommand&)>;

void each_command(const OutlinedCommand& command, const Visit& visit) {
  visit(command);
  for (const OutlinedCommand& sub : command.commands) each_command(sub, visit);
}

/// All commands below the program, as patterns of a shell's `case`.
std::string paths(const OutlinedCommand& program, std::string_view separator) {
  std::string out;
  each_command(program, [&](const OutlinedCommand& command) {
    if (&command == &program) return;
    fmt::format_to(std::back_inserter(out), "{}\"{}\"", out.empty() ? std::string_view() : separator, command.path);
  });
  return out;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

/// Within single quotes of bash and zsh.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// Fish escapes within its quotes.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// "tocsin run --config"|"tocsin run -c"
std::string option_pattern(const OutlinedCommand& command, const OutlinedOption& option) {
  std::string out;
  for (const std::string& name : option.names)
    fmt::format_to(std::back_inserter(out), "{}\"{} {}\"", out.empty() ? "" : "|", command.path, name);
  return out;
}

bool wants_files(const OutlinedCommand& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const OutlinedOption& argument) { return argument.takes_file(); });
}

/// What an argument of the command may be: commands below it, and values of which there are only some.
std::vector<std::string> argument_words(const OutlinedCommand& command) {
  std::vector<std::string> words;
  for (const OutlinedCommand& sub : command.commands) words.push_back(sub.name);
  for (const OutlinedOption& argument : command.arguments)
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  return words;
}

std::vector<std::string> option_words(const OutlinedCommand& command) {
  std::vector<std::string> words;
  for (const OutlinedOption& option : command.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

std::string bash_values(const OutlinedCommand& program) {
  std::string out;
  each_command(program, [&](const OutlinedCommand& command) {
    for (const OutlinedOption& option : command.options) {
      if (option.value.empty()) continue;
      std::string act;
      if (option.takes_file()) {
        act = "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); compopt -o filenames 2>/dev/null; ";
      } else if (option.takes_folder()) {
        act = "mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); compopt -o filenames 2>/dev/null; ";
      } else if (!option.choices.empty()) {
        act = fmt::format("mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$current\"); ", joined(option.choices));
      }
      fmt::format_to(std::back_inserter(out), "    {}) {}return 0 ;;\n", option_pattern(command, option), act);
    }
  });
  return out;
}

std::string bash(const OutlinedCommand& program) {
  std::string words;
  each_command(program, [&](const OutlinedCommand& command) {
    fmt::format_to(std::back_inserter(words), "    \"{}\") options=\"{}\" words=\"{}\" files={} ;;\n", command.path,
                   joined(option_words(command)), joined(argument_words(command)), wants_files(command) ? "yes" : "no");
  });
  return fmt::format(R"(# bash completion for tocsin; `tocsin completion bash` prints it.
_tocsin() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} place={0} options= words= files= i
  COMPREPLY=()
  if [[ $current == "=" ]]; then
    current=
  elif [[ $before == "=" ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$place ${{COMP_WORDS[i]}}" in
    {1}) place+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$place $before" in
{2}  esac
  case "$place" in
{3}  esac
  if [[ $current == -* ]]; then words=$options; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ $files == yes && $current != -* ]]; then
    mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
  return 0
}}
complete -F _tocsin tocsin
)",
                     program.path, paths(program, "|"), bash_values(program), words);
}

/// 'name:what it is' for zsh's _describe.
std::string zsh_offer(std::string_view name, std::string_view doc) {
  std::string text;
  for (const char c : name) {
    if (c == ':') text += '\\';
    text += c;
  }
  return shell_quoted(fmt::format("{}:{}", text, doc));
}

std::string zsh(const OutlinedCommand& program) {
  std::string values, words;
  each_command(program, [&](const OutlinedCommand& command) {
    std::string options, offers;
    for (const OutlinedOption& option : command.options) {
      for (const std::string& name : option.names) options += " " + zsh_offer(name, option.doc);
      if (option.value.empty()) continue;
      std::string act = fmt::format("_message {}", shell_quoted(option.value));
      if (option.takes_file()) act = "_files";
      if (option.takes_folder()) act = "_files -/";
      if (!option.choices.empty()) act = "compadd " + joined(option.choices);
      fmt::format_to(std::back_inserter(values), "    {}) {}; return ;;\n", option_pattern(command, option), act);
    }
    for (const OutlinedCommand& sub : command.commands) offers += " " + zsh_offer(sub.name, sub.doc);
    for (const OutlinedOption& argument : command.arguments) {
      for (const std::string& choice : argument.choices) offers += " " + shell_quoted(choice);
    }
    fmt::format_to(std::back_inserter(words), "    \"{}\")\n      options=({})\n      offers=({}) files={} ;;\n",
                   command.path, options, offers, wants_files(command) ? "yes" : "no");
  });
  return fmt::format(R"(#compdef tocsin
# zsh completion for tocsin; `tocsin completion zsh` prints it.
_tocsin() {{
  local place={0} files=no
  local -a options offers
  integer i
  for ((i = 2; i < CURRENT; ++i)); do
    case "$place $words[i]" in
    {1}) place="$place $words[i]" ;;
    esac
  done
  case "$place $words[CURRENT-1]" in
{2}  esac
  case "$place" in
{3}  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option options
  else
    (( $#offers )) && _describe command offers
    [[ $files == yes ]] && _files
  fi
}}
if [[ "$funcstack[1]" == _tocsin ]]; then
  _tocsin "$@"
else
  compdef _tocsin tocsin
fi
)",
                     program.path, paths(program, "|"), values, words);
}

std::string fish_option(const OutlinedCommand& command, const OutlinedOption& option) {
  std::string out = fmt::format("complete -c tocsin -n '__tocsin_at \"{}\"'", command.path);
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    fmt::format_to(std::back_inserter(out), " {} {}", is_long ? "-l" : "-s", name.substr(is_long ? 2 : 1));
  }
  if (option.takes_file()) {
    out += " -r -F";
  } else if (option.takes_folder()) {
    out += " -x -a '(__fish_complete_directories)'";
  } else if (!option.choices.empty()) {
    out += " -x -a '" + joined(option.choices) + "'";
  } else if (!option.value.empty()) {
    out += " -x";
  }
  return out + " -d " + fish_quoted(option.doc) + "\n";
}

std::string fish(const OutlinedCommand& program) {
  std::string offers;
  each_command(program, [&](const OutlinedCommand& command) {
    const std::string at = fmt::format("complete -c tocsin -n '__tocsin_at \"{}\"'", command.path);
    for (const OutlinedCommand& sub : command.commands)
      offers += at + " -a " + sub.name + " -d " + fish_quoted(sub.doc) + "\n";
    for (const OutlinedOption& argument : command.arguments) {
      if (!argument.choices.empty()) offers += at + " -a '" + joined(argument.choices) + "'\n";
    }
    if (wants_files(command)) offers += at + " -F\n";
    for (const OutlinedOption& option : command.options) offers += fish_option(command, option);
  });
  return fmt::format(R"(# fish completion for tocsin; `tocsin completion fish` prints it.
function __tocsin_at
  set -l place {0}
  set -l given (commandline -opc)
  for word in $given[2..-1]
    switch "$place $word"
      case {1}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c tocsin -f
{2})",
                     program.path, paths(program, " "), offers);
}

}  // namespace

std::string completion(const OutlinedCommand& program, std::string_view shell) {
  if (shell == "zsh") return zsh(program);
  if (shell == "fish") return fish(program);
  return bash(program);
}

}  // namespace tocsin::daemon
